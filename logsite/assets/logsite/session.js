// The page of a session: answers fetched when they are opened, copying, finding, and the news of a running one.
(() => {
  const timeline = document.getElementById("timeline");
  if (!timeline) return;

  // --- Answers. One text node each: a thousand elements would cost a thousand times more. ---

  const load = async (pre) => {
    const address = pre.dataset.src;
    if (!address) return;
    delete pre.dataset.src;
    try {
      const answer = await fetch(address);
      if (!answer.ok) throw new Error(answer.status);
      pre.textContent = await answer.text();
    } catch {
      pre.dataset.src = address;
      pre.textContent = "The response could not be loaded; close and open it to try again.";
    }
  };
  timeline.addEventListener("toggle", async (event) => {
    const pre = event.target.open && event.target.querySelector("pre[data-src]");
    if (!pre) return;
    await load(pre);
    find();
  }, true);

  const copied = (pre) => {
    if (navigator.clipboard) return navigator.clipboard.writeText(pre.textContent);
    const range = document.createRange(); // plain HTTP has no clipboard
    range.selectNodeContents(pre);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    return document.execCommand("copy") ? Promise.resolve() : Promise.reject();
  };
  timeline.addEventListener("click", async (event) => {
    if (!event.target.matches("[data-copy]")) return;
    const button = event.target;
    const pre = button.closest("details").querySelector("pre");
    await load(pre);
    await copied(pre).then(() => { button.textContent = "Copied"; }, () => { button.textContent = "Not copied"; });
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });

  // --- Finding. The browser paints ranges (CSS Custom Highlight API), so the text stays as it is. ---

  const form = document.getElementById("find");
  const field = form.elements.text;
  const output = form.querySelector("output");
  const PAINTED = 5000;
  let matches = [];
  let current = -1;

  const paint = () => {
    if (!CSS.highlights) return;
    CSS.highlights.set("found", new Highlight(...matches.slice(0, PAINTED)));
    CSS.highlights.set("found-here", new Highlight(...(matches[current] ? [matches[current]] : [])));
    CSS.highlights.get("found-here").priority = 1;
  };
  const say = () => {
    const unread = timeline.querySelectorAll("pre[data-src]").length;
    const more = unread ? ` · ${unread} long response${unread > 1 ? "s" : ""} not searched` : "";
    output.textContent = field.value ? `${current + 1} of ${matches.length}${more}` : "";
  };
  const find = () => {
    const wanted = field.value.toLowerCase();
    matches = [];
    if (wanted) {
      for (const place of timeline.querySelectorAll("pre.response:not([data-src]), code.command, p.error")) {
        const node = place.firstChild;
        if (!node) continue;
        const text = node.data.toLowerCase();
        if (text.length !== node.data.length) continue; // a letter whose small form is longer: no place to trust
        for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + wanted.length)) {
          const range = new StaticRange({ startContainer: node, startOffset: at, endContainer: node, endOffset: at + wanted.length });
          matches.push(range);
        }
      }
    }
    current = Math.min(current, matches.length - 1);
    paint();
    say();
  };
  const show = () => {
    const found = matches[current];
    if (!found) return;
    const place = found.startContainer.parentElement;
    const folded = place.closest("details");
    if (folded) folded.open = true;
    const range = document.createRange();
    range.setStart(found.startContainer, found.startOffset);
    range.setEnd(found.endContainer, found.endOffset);
    const line = range.getBoundingClientRect();
    const box = place.getBoundingClientRect();
    place.scrollTop += line.top - box.top - place.clientHeight / 2;
    place.scrollLeft = Math.max(0, place.scrollLeft + line.left - box.left - place.clientWidth / 2);
    const now = range.getBoundingClientRect();
    if (now.top < 60 || now.bottom > innerHeight - 20) scrollBy(0, now.top - innerHeight / 2);
    if (!CSS.highlights) {
      getSelection().removeAllRanges();
      getSelection().addRange(range);
    }
  };
  const step = (by) => {
    if (!matches.length) return;
    current = (Math.max(current, by < 0 ? 0 : -1) + by + matches.length) % matches.length;
    paint();
    say();
    show();
  };
  let typing;
  field.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => { current = -1; find(); }, 120);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("click", (event) => {
    if (event.target.dataset.step) step(Number(event.target.dataset.step));
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      event.preventDefault();
      step(event.shiftKey ? -1 : 1);
    } else if (event.key === "Escape") {
      field.value = "";
      find();
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.target.closest("input, textarea, select")) return;
    event.preventDefault();
    field.focus();
    field.select();
  });

  // --- News. The stream says that there is something; what it is, is asked for by the last event's id, so a
  // message that gets lost, or a server that starts anew, costs nothing. ---

  if (!("live" in timeline.dataset)) return;
  const state = document.getElementById("live-state");
  const LAST_LOOK = 3000; // the session's last events may come a moment after its outcome
  let cursor = timeline.dataset.cursor;
  let ended = false;

  const place = (entry) => {
    const made = document.createElement("template");
    made.innerHTML = entry.html.trim();
    const item = made.content.firstElementChild;
    const old = document.getElementById(entry.key);
    timeline.querySelector(".nothing")?.remove();
    if (old) old.replaceWith(item);
    else timeline.append(item);
  };
  const look = async () => {
    const answer = await fetch(`${timeline.dataset.news}?after=${cursor}`, { headers: { Accept: "application/json" }, redirect: "error" });
    if (!answer.ok) throw new Error(answer.status);
    const news = await answer.json();
    news.entries.forEach(place);
    document.getElementById("facts").innerHTML = news.facts;
    cursor = news.cursor;
    if (news.entries.length && field.value) find();
    if (news.over && !news.more && !ended) finish();
    return news.more;
  };
  const refresh = logsite.refresher(look);
  const finish = () => {
    ended = true;
    setTimeout(async () => {
      await look().catch(() => {});
      state.textContent = "The session has ended.";
      close();
    }, LAST_LOOK);
  };
  const close = logsite.watch("session", {
    committed: () => {
      state.textContent = "The session is running; new events appear here.";
      if (!ended) refresh();
    },
    closed: (code) => {
      if (ended) return false;
      const lost = code < 4400;
      state.textContent = lost
        ? "The connection is lost; trying again."
        : "The session is running; reload the page for new events.";
      return lost;
    },
  });
})();
