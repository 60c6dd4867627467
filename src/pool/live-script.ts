// The script of a page that reloads itself, for the browser. What comes from the pool is put in as text and
// never as markup. It holds no template literal and no backslash, so that this file shows what is sent.
// Only a page that is looked at asks: a browser opens no more than six connections to a site.

export const LIVE_SCRIPT = `
"use strict";
(() => {
  const own = new URL(document.currentScript.src);
  const page = own.searchParams.get("page");
  const path = own.pathname.slice(0, -3);
  const RETRY_MS = 1000;
  const MEMORY = "holdfast-live-reload";

  let seen = "";
  let assets;
  let asking;
  let timer;
  let banner;
  let dismissed = "";

  const remembered = () => {
    try {
      return sessionStorage.getItem(MEMORY);
    } catch {
      return null;
    }
  };
  const remember = (version) => {
    try {
      sessionStorage.setItem(MEMORY, version);
    } catch {
      // A page without storage reloads all the same.
    }
  };

  const make = (tag, text, kind) => {
    const element = document.createElement(tag);
    if (text) element.textContent = text;
    if (kind) element.className = kind;
    return element;
  };

  const STYLE =
    ":host{all:initial;position:fixed;inset:auto 0 0 0;z-index:2147483647;color-scheme:light dark}" +
    "*{box-sizing:border-box}" +
    ".box{font:15px/1.5 system-ui,sans-serif;max-height:60vh;overflow:auto;padding:1rem 1.25rem;" +
    "background:#fff;color:#1d2330;border-top:4px solid #b3261e;box-shadow:0 -4px 24px #0004}" +
    ".top{display:flex;gap:1rem;align-items:start;justify-content:space-between}" +
    "p{margin:0 0 .5rem;overflow-wrap:anywhere}strong{color:#b3261e}" +
    "pre{margin:0;font:13px/1.5 ui-monospace,monospace;overflow-x:auto}" +
    "a{color:inherit}.place{font:13px/1.5 ui-monospace,monospace}" +
    "button{font:inherit;padding:.1rem .6rem;cursor:pointer}" +
    "@media (prefers-color-scheme:dark){.box{background:#1a1f28;color:#e6e9ef;border-color:#ff8a80}strong{color:#ff8a80}}";

  const hide = () => {
    if (banner) banner.remove();
    banner = undefined;
  };

  const show = (fault) => {
    const key = JSON.stringify(fault);
    if (key === dismissed) return;
    hide();
    banner = make("holdfast-banner");
    banner.setAttribute("role", "alert");
    const root = banner.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
    const box = make("div", "", "box");
    const top = make("div", "", "top");
    const said = make("p");
    said.append(make("strong", "The last change does not load. "), "This is the page as it was before it.");
    const close = make("button", "Close");
    close.addEventListener("click", () => {
      dismissed = key;
      hide();
    });
    top.append(said, close);
    box.append(top, make("p", fault.message, "message"));
    if (fault.hint) box.append(make("p", fault.hint));
    if (fault.place) {
      const place = make("p", "", "place");
      const link = make(fault.link ? "a" : "span", fault.place);
      if (fault.link) link.href = fault.link;
      place.append(link);
      box.append(place);
    }
    if (fault.stack) box.append(make("pre", fault.stack));
    root.append(box);
    document.documentElement.append(banner);
  };

  // A browser may believe for hours that a stylesheet is as it was.
  const refresh = () => {
    const parts = performance.getEntriesByType("resource");
    const ours = new Set(parts.map(({ name }) => name).filter((name) => new URL(name).origin === location.origin));
    const files = [...ours].filter((name) => !new URL(name).pathname.startsWith(path));
    return Promise.allSettled(files.map((name) => fetch(name, { cache: "reload" })));
  };

  const reload = (version) => {
    stop();
    if (version) {
      // A page that is still the old one after that comes out of some cache: it would never end.
      if (remembered() === page + " " + version) return;
      remember(page + " " + version);
    }
    location.reload();
  };

  const take = (state) => {
    seen = state.seen;
    if (state.version !== page) return reload(state.version);
    if (assets === undefined) assets = state.assets;
    if (state.assets !== assets) return void refresh().then(() => reload());
    if (state.fault) show(state.fault);
    else hide();
    again(state.pauseMs);
  };

  const again = (pauseMs) => {
    clearTimeout(timer);
    timer = setTimeout(ask, pauseMs);
  };

  const ask = () => {
    stop();
    if (document.visibilityState === "hidden") return;
    const mine = new AbortController();
    asking = mine;
    fetch(path + "?page=" + encodeURIComponent(page) + "&seen=" + seen, { cache: "no-store", signal: mine.signal })
      .then((reply) => (reply.ok ? reply.json() : Promise.reject(reply.status)))
      .then((state) => {
        if (asking === mine) take(state);
      })
      .catch(() => {
        if (asking === mine) again(RETRY_MS);
      });
  };

  const stop = () => {
    clearTimeout(timer);
    const before = asking;
    asking = undefined;
    if (before) before.abort();
  };

  document.addEventListener("visibilitychange", ask);
  addEventListener("pagehide", stop);
  addEventListener("pageshow", ({ persisted }) => persisted && ask());
  ask();
})();
`;
