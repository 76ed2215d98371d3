// What pages that watch share: being told that there is something new, and asking for it.
window.logsite = {
  // Calls `committed` with the cursor at each message of the stream of `source`, and connects again, at last every
  // `longest` milliseconds, unless `closed` returns false. Returns what closes the stream.
  watch(source, { committed, closed = (code) => code < 4400, longest = 30000 }) {
    const address = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/v2/logs/stream?source=${source}`;
    let socket = null;
    let wait = 1000;
    const connect = () => {
      socket = new WebSocket(address);
      socket.onmessage = (event) => {
        const message = JSON.parse(event.data);
        if (message.type !== "committed") return;
        wait = 1000;
        committed(message.cursor);
      };
      socket.onclose = (event) => {
        if (closed(event.code) === false) return;
        setTimeout(connect, wait);
        wait = Math.min(wait * 2, longest);
      };
    };
    connect();
    return () => socket.close(1000);
  },

  // A function that calls `look`, and again while that returns true or somebody has asked meanwhile; one at a time.
  // Where the server is away, or restarting, it calls `failed` and tries again later.
  refresher(look, failed = () => {}) {
    let fetching = null;
    let again = false;
    const refresh = () => {
      again = true;
      fetching ??= (async () => {
        try {
          while (again) {
            again = false;
            again = (await look()) || again;
          }
        } catch {
          failed();
          setTimeout(refresh, 2000);
        } finally {
          fetching = null;
        }
      })();
    };
    return refresh;
  },
};
