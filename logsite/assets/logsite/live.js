// Says that new entries came; the page itself does not move under the reader.
(() => {
  const source = document.currentScript.dataset.source;
  const address = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/v2/logs/stream?source=${source}`;
  let first = null;
  let wait = 1000;
  const connect = () => {
    const socket = new WebSocket(address);
    socket.onmessage = (event) => {
      const message = JSON.parse(event.data);
      if (message.type !== "committed") return;
      wait = 1000;
      first ??= message.cursor;
      if (message.cursor === first) return;
      const news = document.getElementById("live-news");
      if (news) news.hidden = false;
    };
    socket.onclose = (event) => {
      if (event.code >= 4400) return;
      setTimeout(connect, wait);
      wait = Math.min(wait * 2, 30000);
    };
  };
  connect();
})();
