// Container log entries as they come. Only the rows in sight are elements: twenty thousand would take seconds.
(() => {
  const tail = document.getElementById("tail");
  if (!tail) return;
  const scroller = tail.querySelector(".scroller");
  const canvas = tail.querySelector(".canvas");
  const rows = tail.querySelector(".rows");
  const unreadButton = tail.querySelector(".unread");
  const state = document.getElementById("live-state");
  const form = document.getElementById("choose");
  const MOST = 20000; // entries kept; twice as many while somebody reads further up
  const OVERSCAN = 12; // rows above and below those in sight

  let entries = []; // in the order of their times
  let offsets = [0]; // the top of each entry, and the end of the last, in pixels
  let known = new Set();
  let unfolded = new Map(); // id -> height, measured once it is drawn
  let shown = new Map(); // id -> element
  let atEnd = true;
  let unread = 0;
  let LINE = 20;

  // --- Order and places ---

  const later = (a, b) => {
    if (a.timestamp !== b.timestamp) return a.timestamp.length - b.timestamp.length || (a.timestamp < b.timestamp ? -1 : 1);
    return a.id.length - b.id.length || (a.id < b.id ? -1 : Number(a.id > b.id));
  };
  const heightOf = (entry) => unfolded.get(entry.id) ?? LINE;
  const measure = (from = 0) => {
    offsets.length = entries.length + 1;
    offsets[0] = 0;
    for (let i = from; i < entries.length; i++) offsets[i + 1] = offsets[i] + heightOf(entries[i]);
    canvas.style.height = `${offsets[entries.length]}px`;
  };
  const placeAt = (y) => {
    let low = 0;
    let high = entries.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (offsets[middle] <= y) low = middle;
      else high = middle - 1;
    }
    return Math.max(low, 0);
  };
  const merged = (old, fresh) => {
    if (!old.length || later(old[old.length - 1], fresh[0]) < 0) {
      for (const entry of fresh) old.push(entry);
      return old;
    }
    const both = [];
    let i = 0;
    for (const entry of fresh) {
      while (i < old.length && later(old[i], entry) < 0) both.push(old[i++]);
      both.push(entry);
    }
    while (i < old.length) both.push(old[i++]);
    return both;
  };

  // Whatever comes and goes above, the reader's line stays where it is.
  const keepingPlace = (change) => {
    const top = placeAt(scroller.scrollTop);
    const held = entries[top];
    const inside = scroller.scrollTop - (offsets[top] ?? 0);
    change();
    if (atEnd) return toEnd();
    const place = held ? entries.indexOf(held) : -1;
    scroller.scrollTop = place < 0 ? 0 : offsets[place] + inside;
    draw();
  };
  const toEnd = () => {
    scroller.scrollTop = canvas.offsetHeight;
    atEnd = true;
    unread = 0;
    draw();
  };

  const add = (fresh) => {
    fresh = fresh.filter((entry) => !known.has(entry.id));
    if (!fresh.length) return;
    fresh.forEach((entry) => known.add(entry.id));
    if (!atEnd) unread += fresh.filter((entry) => !entry.divider).length;
    keepingPlace(() => {
      entries = merged(entries, fresh);
      const over = entries.length - (atEnd ? MOST : 2 * MOST);
      if (over > 0) {
        for (const entry of entries.splice(0, over)) {
          known.delete(entry.id);
          unfolded.delete(entry.id);
        }
      }
      measure();
    });
  };

  // --- Drawing ---

  const two = (number) => String(number).padStart(2, "0");
  const clock = (timestamp) => {
    const moment = new Date(Number(timestamp.slice(0, -6)));
    const day = `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())} `;
    const time = `${two(moment.getHours())}:${two(moment.getMinutes())}:${two(moment.getSeconds())}.${timestamp.slice(-9, -6)}`;
    return [moment.toDateString() === new Date().toDateString() ? "" : day, time];
  };
  const make = (name, className, text) => {
    const made = document.createElement(name);
    made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const marked = (place, text) => {
    const wanted = form.elements.text.value.toLowerCase();
    const plain = text.toLowerCase();
    let from = 0;
    if (wanted && plain.length === text.length) {
      for (let at = plain.indexOf(wanted); at >= 0; at = plain.indexOf(wanted, from)) {
        place.append(text.slice(from, at), make("mark", "", text.slice(at, at + wanted.length)));
        from = at + wanted.length;
      }
    }
    place.append(text.slice(from));
  };
  const element = (entry) => {
    if (entry.divider) return make("div", "row divider", entry.divider);
    const open = unfolded.has(entry.id);
    const row = make("div", `row ${entry.stream} level-${(entry.level || "none").toLowerCase()}${open ? " open" : ""}`);
    const [day, time] = clock(entry.timestamp);
    const link = make("a", "time", day + time);
    link.href = entry.url;
    link.title = "The entry, and the entries around it";
    const where = make("span", "where", entry.container);
    where.title = `${entry.container} on ${entry.host}`;
    const stream = make("span", "stream", entry.stream === "stderr" ? "err" : "out");
    stream.title = entry.stream;
    const text = make("span", "text");
    const end = entry.message.indexOf("\n");
    const first = end < 0 ? entry.message : entry.message.slice(0, end);
    marked(text, open ? entry.message : first);
    const fold = make("button", "fold", "");
    fold.type = "button";
    fold.dataset.id = entry.id;
    fold.setAttribute("aria-expanded", String(open));
    const more = end < 0 ? 0 : entry.message.split("\n").length - 1;
    fold.textContent = `${open ? "▾" : "▸"}${more ? ` ${more}` : ""}`;
    fold.title = `${open ? "Fold" : "Unfold"}${more ? ` ${more} more line${more > 1 ? "s" : ""}` : " the whole line"}`;
    const wanted = form.elements.text.value.toLowerCase();
    if (wanted && !open && !first.toLowerCase().includes(wanted)) fold.classList.add("hit");
    if (!more && first.length < 60) fold.hidden = true;
    row.append(link, where, stream, make("span", "level", entry.level), fold, text);
    return row;
  };
  let drawing = 0;
  const draw = () => {
    drawing ||= requestAnimationFrame(() => {
      drawing = 0;
      drawNow();
    });
  };
  const drawNow = () => {
    const first = Math.max(placeAt(scroller.scrollTop) - OVERSCAN, 0);
    const last = Math.min(placeAt(scroller.scrollTop + scroller.clientHeight) + OVERSCAN, entries.length - 1);
    const next = new Map();
    const inSight = [];
    for (let i = first; i <= last; i++) {
      const made = shown.get(entries[i].id) ?? element(entries[i]);
      next.set(entries[i].id, made);
      inSight.push(made);
    }
    shown = next;
    rows.replaceChildren(...inSight);
    rows.style.transform = `translateY(${offsets[first] ?? 0}px)`;
    measureUnfolded(first, last);
    unreadButton.hidden = !unread;
    unreadButton.textContent = `${unread.toLocaleString()} new line${unread === 1 ? "" : "s"} ↓`;
  };
  const measureUnfolded = (first, last) => {
    let wrong = -1;
    for (let i = last; i >= first; i--) {
      const id = entries[i].id;
      if (!unfolded.has(id)) continue;
      const height = shown.get(id).offsetHeight;
      if (height === unfolded.get(id)) continue;
      unfolded.set(id, height);
      wrong = i;
    }
    if (wrong < 0) return;
    measure(wrong);
    if (atEnd) scroller.scrollTop = canvas.offsetHeight;
    draw();
  };
  const redraw = () => {
    shown.clear();
    draw();
  };

  scroller.addEventListener("scroll", () => {
    atEnd = scroller.scrollTop + scroller.clientHeight >= canvas.offsetHeight - LINE;
    if (atEnd) unread = 0;
    draw();
  });
  rows.addEventListener("click", (event) => {
    const fold = event.target.closest(".fold");
    if (!fold) return;
    const { id } = fold.dataset;
    if (!unfolded.delete(id)) {
      unfolded.set(id, LINE);
      atEnd = false; // who reads a trace does not want it to run away
    }
    shown.delete(id);
    measure();
    draw();
  });
  unreadButton.addEventListener("click", toEnd);
  const sized = new ResizeObserver(() => {
    LINE = parseFloat(getComputedStyle(scroller).lineHeight) || LINE;
    measure();
    if (atEnd) toEnd();
    else draw();
  });
  sized.observe(scroller);

  // --- News. The stream says that there is something; what it is, is asked for by the cursor, so a message
  // that gets lost, or a server that starts anew, costs nothing. ---

  let cursor = "";
  let round = 0; // another choice makes the answers to the last one worthless
  let dividers = 0;
  let refused = -1; // the choice whose query was refused; it is not asked again
  let trouble = "Connecting …";
  const NAMES = ["host", "container", "level", "stream", "query", "text"];
  const TYPED = ["query", "text"];
  const chosen = () => new URLSearchParams(NAMES.map((name) => [name, form.elements[name].value.trim()]).filter((pair) => pair[1]));

  // What is wrong with the query stands under its field; no entries are shown then.
  const complain = (problem) => {
    const place = document.getElementById("query-problem");
    place.textContent = problem;
    place.hidden = !problem;
    form.elements.query.toggleAttribute("aria-invalid", Boolean(problem));
  };
  const say = () => {
    const number = `${entries.length.toLocaleString()} entr${entries.length === 1 ? "y" : "ies"}`;
    state.textContent = trouble || `${number}${atEnd ? "" : "; paused while you scroll up"}. New ones appear at the bottom.`;
  };
  const look = async () => {
    const mine = round;
    if (refused === mine) return false;
    const query = chosen();
    if (cursor) query.set("after", cursor);
    const answer = await fetch(`${tail.dataset.news}?${query}`, { headers: { Accept: "application/json" }, redirect: "error" });
    if (mine !== round) return true;
    const isSlow = answer.status === 503 && answer.headers.get("Content-Type") === "application/json";
    if (answer.status === 400 || isSlow) {
      const [[field, reasons]] = Object.entries(await answer.json());
      if (mine !== round) return true;
      if (field === "after") {
        start(); // the database was replaced
        return true;
      }
      refused = mine;
      if (field === "query") complain(reasons[0]);
      trouble = field === "query" ? "The query is refused: no entries are shown." : `${field}: ${reasons[0]}`;
      return false;
    }
    if (!answer.ok) throw new Error(answer.status);
    const news = await answer.json();
    if (mine !== round) return true;
    if (news.skipped && news.entries.length) {
      const divider = "Entries arrive faster than this page shows them; «Search older entries» has those that are missing here.";
      dividers += 1;
      news.entries.unshift({ ...news.entries[0], id: `-${dividers}`, divider });
    }
    add(news.entries);
    cursor = news.cursor;
    trouble = "";
    complain("");
    return news.more;
  };
  const refresh = logsite.refresher(
    () => look().then((more) => { say(); return more; }),
    () => {
      trouble = "The server does not answer; trying again.";
      say();
    },
  );
  const start = () => {
    round += 1;
    [entries, known, unfolded, shown] = [[], new Set(), new Map(), new Map()];
    cursor = "";
    atEnd = true;
    unread = 0;
    measure();
    draw();
    refresh();
  };
  const closed = (code) => {
    if (code < 4400) {
      refresh();
      return true;
    }
    trouble = "You are logged out, or you lack the permission to see entries: reload the page.";
    say();
    return false;
  };

  // --- Choosing ---

  const narrowContainers = () => {
    const host = form.elements.host.value;
    const list = form.elements.container;
    const seen = new Set(); // of one name on two hosts, one is enough to choose
    for (const option of list.options) {
      if (!option.dataset.host) continue;
      option.hidden = option.disabled = Boolean(host && option.dataset.host !== host) || seen.has(option.value);
      if (!option.hidden) seen.add(option.value);
    }
    if (list.selectedOptions[0]?.disabled && !seen.has(list.value)) list.value = "";
  };
  const choose = () => {
    narrowContainers();
    const query = chosen();
    history.replaceState(null, "", `${location.pathname}${String(query) && `?${query}`}`);
    const older = document.getElementById("older");
    const wanted = new URLSearchParams(query);
    for (const [here, there] of [["text", "q"], ["stream", "stream__exact"]]) {
      if (wanted.has(here)) wanted.set(there, wanted.get(here));
      wanted.delete(here);
    }
    older.search = String(wanted);
    start();
  };
  let typing;
  form.addEventListener("change", (event) => { if (!TYPED.includes(event.target.name)) choose(); });
  for (const name of TYPED) {
    form.elements[name].addEventListener("input", () => {
      clearTimeout(typing);
      typing = setTimeout(choose, 300);
    });
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(typing);
    choose();
  });
  document.addEventListener("keydown", (event) => {
    if (event.target.closest("input, textarea, select") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/") {
      event.preventDefault();
      form.elements.text.focus();
    } else if (event.key === "End") {
      event.preventDefault();
      toEnd();
    }
  });
  scroller.addEventListener("scroll", say);

  choose();
  logsite.watch("container", { committed: refresh, closed, longest: 10000 });
})();
