// Says that new entries came; the page itself does not move under the reader.
(() => {
  let first = null;
  logsite.watch(document.currentScript.dataset.source, {
    committed: (cursor) => {
      first ??= cursor;
      const news = document.getElementById("live-news");
      if (news && cursor !== first) news.hidden = false;
    },
  });
})();
