// The script of the status page, for the browser: asks for JSON once a second and draws. Everything that
// comes from the pool is put in as text and never as markup. It is written for browsers of the last
// five years, and holds no template literal and no backslash, so that this file shows what is sent.

export const PAGE_SCRIPT = `
"use strict";
(() => {
  const POLL_MS = 1000;
  const DEADLINE_MS = 5000;
  const SECONDS = 300;
  const WIDTH = 300;
  const HEIGHT = 100;
  const SVG = "http://www.w3.org/2000/svg";

  const at = (id) => document.getElementById(id);
  const make = (tag, text, kind) => {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    if (kind) element.className = kind;
    return element;
  };
  const draw = (tag, attributes) => {
    const element = document.createElementNS(SVG, tag);
    for (const name in attributes) element.setAttribute(name, attributes[name]);
    return element;
  };

  const count = (value) => value.toLocaleString("en-US", { maximumFractionDigits: value < 10 ? 1 : 0 });
  const millis = (value) => {
    if (value >= 60000) return (value / 60000).toFixed(1) + " min";
    if (value >= 1000) return (value / 1000).toFixed(value < 10000 ? 2 : 1) + " s";
    return value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0) + " ms";
  };
  const bytes = (value) => {
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let unit = 0;
    while (value >= 1024 && unit < units.length - 1) { value /= 1024; unit++; }
    return value.toFixed(value < 10 && unit > 0 ? 1 : 0) + " " + units[unit];
  };
  const percent = (share) => Math.round(share * 100) + " %";
  const span = (ms) => {
    const seconds = Math.floor(ms / 1000);
    if (seconds < 60) return seconds + " s";
    if (seconds < 3600) return Math.floor(seconds / 60) + " min";
    if (seconds < 86400) return Math.floor(seconds / 3600) + " h " + Math.floor((seconds % 3600) / 60) + " min";
    return Math.floor(seconds / 86400) + " d " + Math.floor((seconds % 86400) / 3600) + " h";
  };

  // What is shown. Of each line: name, and which series of the history it follows.
  // With "from" the scale is logarithmic and begins there.
  const CHARTS = [
    { title: "Requests per second", unit: count, lines: [["requests", "requests"]] },
    { title: "Time to answer", unit: millis, from: 0.1, lines: [["p50", "p50Ms"], ["p95", "p95Ms"], ["p99", "p99Ms"]] },
    { title: "Workers", unit: count, whole: true, lines: [["busy", "busy"], ["alive", "workers"]] },
    { title: "Requests", unit: count, whole: true, lines: [["open", "open"], ["waiting", "queue"]] },
    { title: "Memory", unit: bytes, lines: [["process", "residentBytes"], ["workers", "workersBytes"]] },
    { title: "Memory of the largest workers", unit: bytes, workers: true, lines: [] },
    { title: "Event-loop delay", unit: millis, lines: [["longest", "loopDelayMs"]] },
    { title: "Event loops of the workers", unit: percent, lines: [["busy", "utilization"]] },
    { title: "Errors and restarts per second", unit: count, whole: true, lines: [["errors", "errors"], ["restarts", "restarts"]] },
  ];

  let series = {};
  let workers = new Map();
  let process = "";

  function forget() {
    series = { atMs: [] };
    workers = new Map();
  }

  function remember(history) {
    const had = series.atMs.length;
    const came = history.series.atMs.length;
    for (const name in history.series) series[name] = (series[name] || []).concat(history.series[name]).slice(-SECONDS);
    const known = new Map();
    for (const { worker, bytes: values } of history.workers) {
      const before = workers.get(worker) || new Array(had).fill(0);
      known.set(worker, before.concat(values).slice(-SECONDS));
    }
    for (const [worker, before] of workers) {
      if (known.has(worker)) continue;
      const values = before.concat(new Array(came).fill(0)).slice(-SECONDS);
      if (values.some((value) => value > 0)) known.set(worker, values);
    }
    workers = known;
  }

  // A round number that nothing passes.
  function ceiling(most, whole) {
    const least = whole ? 1 : 0.000001;
    const value = Math.max(most, least);
    const power = Math.pow(10, Math.floor(Math.log10(value)));
    for (const step of [1, 2, 3, 4, 5, 6, 8, 10]) if (step * power >= value) return Math.max(step * power, least);
    return value;
  }

  function byteCeiling(most) {
    let step = 1024 * 1024;
    while (step * 4 < most) step *= 2;
    return Math.ceil(Math.max(most, 1) / step) * step;
  }

  const figures = CHARTS.map((chart) => {
    const figure = make("figure");
    const caption = make("figcaption");
    caption.append(make("h3", chart.title));
    const legend = make("ul");
    caption.append(legend);
    const svg = draw("svg", { viewBox: "0 0 " + WIDTH + " " + HEIGHT, preserveAspectRatio: "none", role: "img" });
    svg.setAttribute("aria-label", chart.title + ", the last five minutes");
    const plot = make("div", undefined, "plot");
    const top = make("span");
    const bottom = make("span", chart.from && chart.unit(chart.from), "bottom");
    bottom.hidden = !chart.from;
    plot.append(svg, top, bottom);
    const scale = make("div", undefined, "scale");
    scale.append(make("span", "5 min ago"), make("span", "now"));
    figure.append(caption, plot, scale);
    at("charts").append(figure);
    return { chart, legend, svg, top };
  });

  function path(values, most, from) {
    const step = WIDTH / (SECONDS - 1);
    const first = SECONDS - values.length;
    const share = from ? (value) => Math.max(0, Math.log(value / from) / Math.log(most / from)) : (value) => value / most;
    return values
      .map((value, n) => (n === 0 ? "M" : "L") + ((first + n) * step).toFixed(1) + " " + (HEIGHT - share(value) * (HEIGHT - 4) - 1).toFixed(1))
      .join("");
  }

  function largestWorkers() {
    return [...workers]
      .filter(([, values]) => values[values.length - 1] > 0)
      .sort(([, one], [, other]) => other[other.length - 1] - one[one.length - 1])
      .slice(0, 3)
      .map(([worker, values]) => ["worker " + worker, values]);
  }

  function drawChart({ chart, legend, svg, top }) {
    const lines = chart.workers ? largestWorkers() : chart.lines.map(([name, key]) => [name, series[key] || []]);
    let most = 0;
    for (const [, values] of lines) for (const value of values) if (value > most) most = value;
    if (chart.unit === bytes) most = byteCeiling(most);
    else if (chart.unit === percent) most = 1;
    else if (chart.from) most = Math.pow(10, Math.max(1, Math.ceil(Math.log10(most))));
    else most = ceiling(most, chart.whole);
    top.textContent = chart.unit(most);
    legend.replaceChildren(
      ...lines.map(([name, values], n) => {
        const item = make("li", undefined, "c" + n);
        item.append(make("span", name + " " + chart.unit(values.length === 0 ? 0 : values[values.length - 1])));
        return item;
      }),
    );
    const grid = [0, HEIGHT / 2, HEIGHT - 1].map((y) => draw("line", { x1: 0, x2: WIDTH, y1: y, y2: y }));
    const drawn = [];
    const [, first = []] = lines[0] || [];
    if (lines.length === 1 && first.length > 1) {
      const from = ((SECONDS - first.length) * WIDTH) / (SECONDS - 1);
      drawn.push(draw("path", { class: "area", d: path(first, most) + "L" + WIDTH + " " + HEIGHT + "L" + from.toFixed(1) + " " + HEIGHT + "Z" }));
    }
    lines.forEach(([, values], n) => drawn.push(draw("path", { class: "c" + n, d: path(values, most, chart.from) })));
    // The first line of a chart lies on top.
    svg.replaceChildren(...grid, ...drawn.reverse());
  }

  function fill(table, heads, rows, none) {
    const head = make("tr");
    for (const [name, kind] of heads) head.append(make("th", name, kind));
    const body = rows.map((cells) => {
      const row = make("tr");
      cells.forEach((cell, n) => {
        const [text, kind] = Array.isArray(cell) ? cell : [cell, heads[n][1]];
        row.append(make("td", text, kind));
      });
      return row;
    });
    if (body.length === 0) {
      const row = make("tr");
      const cell = make("td", none, "none");
      cell.colSpan = heads.length;
      row.append(cell);
      body.push(row);
    }
    at(table).replaceChildren(head, ...body);
  }

  function show(now) {
    const of = (state) => now.workers.filter((worker) => worker.state === state).length;
    const busy = now.workers.filter((worker) => worker.open > 0).length;
    const { total, loopDelay } = now.recent;
    state(now.ready ? "serving" : "not serving", !now.ready);
    at("uptime").textContent = "up " + span(now.uptimeMs);
    at("generation").textContent = "generation " + now.generation + "." + now.workersGeneration;
    notice(now.lastBootFault ? "A worker did not start: " + now.lastBootFault.message : "");
    const tiles = [
      ["Requests / s", count(now.recent.requestsPerSecond), count(now.accepted) + " in all"],
      ["Median", millis(total.p50Ms), "p95 " + millis(total.p95Ms)],
      ["p99", millis(total.p99Ms), "longest " + millis(total.maxMs)],
      ["Workers busy", busy + " of " + now.workersMax, "most " + now.workersBusyPeak],
      ["Waiting", count(now.queue) + " of " + count(now.queueMax), "most " + count(now.queuePeak)],
      ["Memory", bytes(now.residentBytes), "most " + bytes(now.residentPeakBytes)],
      ["Event-loop delay", millis(loopDelay.p99Ms), "longest " + millis(loopDelay.maxMs)],
      ["Failed", count(now.failed + now.refused + now.cut), count(now.workersLost) + " workers lost"],
    ].map(([name, value, more]) => {
      const tile = make("div");
      tile.append(make("span", name), make("b", value), make("small", more));
      return tile;
    });
    at("tiles").replaceChildren(...tiles);
    figures.forEach(drawChart);
    const NUMBER = "number";
    fill(
      "workers",
      [["Worker"], ["State"], ["Open", NUMBER], ["Requests", NUMBER], ["Memory", NUMBER], ["Busy", NUMBER], ["Loop"], ["Generation", NUMBER], ["Up", NUMBER]],
      now.workers.map((worker) => [
        worker.pid ? worker.worker + " (pid " + worker.pid + ")" : String(worker.worker),
        [worker.state, worker.state],
        count(worker.open),
        count(worker.served),
        worker.memoryBytes === undefined ? "–" : bytes(worker.memoryBytes),
        worker.utilization === undefined ? "–" : percent(worker.utilization),
        worker.unresponsiveMs > 0 ? ["stands still " + millis(worker.unresponsiveMs), "late"] : "turns",
        String(worker.generation),
        span(worker.uptimeMs),
      ]),
      "No worker runs" + (now.threads.min === 0 ? "; the next request starts one." : "."),
    );
    fill(
      "requests",
      [["Worker"], ["Method"], ["Path", "path"], ["Age", NUMBER], ["Handler"], ["Id"]],
      now.workers.flatMap((worker) =>
        (worker.requests || []).map((request) => [
          String(worker.worker), request.method, request.path, millis(request.ageMs), request.begun ? "runs" : "not begun", request.request || "–",
        ]),
      ),
      "None.",
    );
    const totals = [
      ["Requests", count(now.accepted)], ["Served by workers", count(now.served)], ["Own pages", count(now.own)],
      ["Refused", count(now.refused)], ["Cut off", count(now.cut)], ["Left by the client", count(now.aborted)],
      ["Handlers failed", count(now.failed)], ["Timed out", count(now.timedOut)], ["Slow", count(now.slow)],
      ["Open, most", count(now.openPeak)], ["Connections", count(now.connections)], ["Connections accepted", count(now.connectionsAccepted)],
      ["Wait to be accepted", now.backlog === undefined ? "–" : count(now.backlog)],
      ["Workers started", count(now.workersStarted)], ["Workers recycled", count(now.workersRecycled)], ["Workers lost", count(now.workersLost)],
      ["Starts that failed", count(now.bootFailures)], ["Times all were busy", count(now.saturated)],
      ["Workers starting", count(of("starting"))], ["Workers draining", count(of("draining"))],
      ["Processor time", millis(now.cpuMs)],
      ...Object.entries(now.spaces).flatMap(([space, of]) => {
        const name = space[0].toUpperCase() + space.slice(1);
        return [
          [name + " entries", count(of.entries)], [name + " memory", bytes(of.bytes)],
          [name + " hits", count(of.hits)], [name + " misses", count(of.misses)], [name + " evictions", count(of.evictions)],
        ];
      }),
      ["Locks held", count(now.locks.held)], ["Wait for a lock", count(now.locks.waiting)],
      ...now.responses.map((value, n) => ["Answers " + (n + 1) + "xx", count(value)]).filter(([, value]) => value !== "0"),
      ...Object.entries(now.faults).filter(([, value]) => value > 0).map(([code, value]) => [code, count(value)]),
    ];
    at("totals").replaceChildren(
      ...totals.map(([name, value]) => {
        const pair = make("div");
        pair.append(make("dt", name), make("dd", value));
        return pair;
      }),
    );
  }

  function state(text, bad) {
    at("state").textContent = text;
    at("state").className = bad ? "bad" : "";
  }

  function notice(text) {
    at("notice").textContent = text;
    at("notice").hidden = text === "";
  }

  async function look() {
    const times = series.atMs;
    const since = times.length === 0 ? -1 : times[times.length - 1];
    const answer = await fetch("?json&full&since=" + since, { signal: AbortSignal.timeout(DEADLINE_MS), cache: "no-store" });
    if (!answer.ok) throw new Error("the answer was " + answer.status);
    const { holdfast, history } = await answer.json();
    // Another process answered: after a reload, or where there are several.
    const who = holdfast.pid + " " + holdfast.startedAtMs;
    if (who !== process) {
      process = who;
      forget();
      if (since !== -1) return;
    }
    remember(history);
    show(holdfast);
  }

  async function loop() {
    try {
      if (!document.hidden) await look();
    } catch (error) {
      state("no answer", true);
      notice("The pool does not answer (" + error.message + "). It is asked again every second.");
    }
    setTimeout(loop, POLL_MS);
  }

  forget();
  loop();
})();
`;
