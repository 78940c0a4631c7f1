"use strict";
// Draws what stands in #data; what its numbers are is said in timings.rs. Texts come from names and reasons, so they only ever
// become text nodes.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const $ = (id) => document.getElementById(id);
  const text = (place) => (place < 0 ? "" : data.texts[place]);
  const element = (name, content, className) => {
    const made = document.createElement(name);
    if (content !== undefined) made.textContent = content;
    if (className) made.className = className;
    return made;
  };

  const OUTCOMES = ["succeeded", "cached", "failed", "skipped", "cancelled"];
  const WORDS = { succeeded: "run", cached: "cached", failed: "failed", skipped: "skipped", cancelled: "cancelled" };
  const MARKS = { succeeded: "✓", cached: "=", failed: "✗", skipped: "–", cancelled: "!" };
  // Shorter waits are those for the program itself, in microseconds.
  const NOISE = 1000;
  const WAITED = ["for it to end", "for its lock", "for a free slot"];

  // ---- what the numbers are

  const tasks = data.tasks.map(([name, phase, step, outcome, why, note, took, attempts, ended], place) => ({
    place, name: text(name), phase: text(phase), step, outcome: text(outcome), why: text(why), note: text(note),
    took, attempts, ended, from: -1, job: 0, lock: 0, held: 0, critical: false, matches: true,
  }));
  const bars = data.bars.map(([task, slot, from, length, job, lock, name, judged, cause, waited], place) => ({
    place, task: tasks[task], slot, from, to: from + length, job, lock, name: text(name), judged, cause, waited,
    critical: false,
  }));
  for (const bar of bars) {
    const { task } = bar;
    if (task.from < 0) task.from = bar.from;
    task.job += bar.job;
    task.lock += bar.lock;
    task.held += bar.to - bar.from;
  }
  for (const place of data.path) bars[place].critical = bars[place].task.critical = true;
  // Hooks for the other way of ending are not.
  const called = tasks.filter((task) => OUTCOMES.includes(task.outcome)).length;
  const perSlot = Array.from({ length: data.slots }, () => []);
  for (const bar of bars) perSlot[bar.slot].push(bar);
  const unrun = tasks.filter((task) => task.from < 0 && (task.outcome === "skipped" || task.outcome === "cancelled"));
  const load = [];
  for (let place = 0, at = 0; place < data.load.length; place += 4) {
    at += data.load[place];
    load.push({ at, running: data.load[place + 1], locked: data.load[place + 2], queued: data.load[place + 3] });
  }
  const waits = bars.filter((bar) => bar.name).map((bar) => [bar.name, bar.from - bar.lock, bar.lock]);
  // What was cancelled while it waited.
  for (const [place, job, from, length, name] of data.vain) {
    const task = tasks[place];
    task.job += job;
    task.lock += length;
    task.note ||= `while it waited for the lock ${text(name)}`;
    waits.push([text(name), from, length]);
  }
  const locks = new Map();
  for (const [name, from, length] of waits.sort((a, b) => a[1] + a[2] - b[1] - b[2])) {
    const lock = locks.get(name) ?? { waits: 0, sum: 0, most: 0, spans: [] };
    lock.waits += 1;
    lock.sum += length;
    lock.most = Math.max(lock.most, length);
    lock.spans.push([from, from + length]);
    locks.set(name, lock);
  }

  function time(micros) {
    if (micros < 1000) return `${micros} µs`;
    if (micros < 100_000) return `${(micros / 1000).toFixed(1)} ms`;
    if (micros < 60_000_000) return `${(micros / 1e6).toFixed(2)} s`;
    const seconds = Math.round(micros / 1e6);
    if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${String(seconds % 60).padStart(2, "0")}s`;
    return `${Math.floor(seconds / 3600)}h ${String(Math.floor((seconds % 3600) / 60)).padStart(2, "0")}m`;
  }

  // ---- the head

  const plural = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
  $("about").textContent = `${data.selected} · ${plural(data.jobs, "job")} · ${new Date(data.askedAt).toLocaleString()} · run ${data.run}`;
  $("figures").textContent = data.figures;

  const busy = bars.reduce((sum, bar) => sum + bar.to - bar.from, 0);
  const span = Math.max(data.last - data.first, 1);
  const onPath = data.path.reduce((sum, place) => sum + bars[place].to - bars[place].from, 0);
  const cards = [
    ["From start to end", time(data.end)],
    ["Before the first step", time(data.first)],
    ["Steps", time(data.last - data.first)],
    ["At the same time, on average", `${(busy / span).toFixed(2)} of ${data.jobs}`],
    ["Writing results", time(data.end - data.last)],
  ];
  const together = [...locks.values()].reduce((sum, lock) => sum + lock.sum, 0);
  if (together > 0) cards.push(["Waited for locks, together", time(together)]);
  for (const [name, value] of cards) {
    const card = element("div");
    card.append(element("dt", name), element("dd", value));
    $("cards").append(card);
  }
  if (data.exceeded.length > 0) {
    $("budgets").hidden = false;
    for (const [what, enforced] of data.exceeded) {
      $("budgets").querySelector("ul").append(element("li", `${enforced ? "✗ error" : "! warning"}: ${what}`, enforced ? "error" : ""));
    }
    if (data.exceededBesides) $("budgets").querySelector("ul").append(element("li", data.exceededBesides));
  }
  if (locks.size > 0) {
    $("locks").hidden = false;
    for (const [name, lock] of locks) {
      const row = element("tr");
      row.append(element("td", name), element("td", plural(lock.waits, "time"), "n"));
      row.append(element("td", time(lock.sum), "n"), element("td", time(lock.most), "n"));
      $("locks").querySelector("tbody").append(row);
    }
  }

  // ---- the critical path

  function waited(bar) {
    if (bar.cause < 0) return "for nothing";
    const cause = bars[bar.cause];
    const what = bar.waited === 0 ? "" : ` (${WAITED[bar.waited]}${bar.waited === 1 ? ` ${bar.name}` : ""})`;
    return `for ${cause.task.name}${what}`;
  }
  $("path").textContent = data.path.length === 0 ? "Nothing ran." :
    `${plural(data.path.length, "start")} in a row, each upon the end of the one before; they take ${time(onPath)} of ` +
    `${time(data.end)}. Whatever is not among them could be faster without the run being so. In the chart they are framed and joined.`;
  const longest = data.path.map((place) => bars[place]).sort((a, b) => b.to - b.from - (a.to - a.from)).slice(0, 10);
  for (const bar of longest) {
    const row = element("tr");
    row.append(element("td", bar.task.name), element("td", time(bar.to - bar.from), "n"), element("td", waited(bar)));
    $("longest").querySelector("tbody").append(row);
  }
  $("longest").hidden = longest.length === 0;

  // ---- the charts

  const gantt = $("gantt");
  const chart = $("load");
  const GUTTER = 92;
  const AXIS = 22;
  const view = { from: 0, to: Math.max(data.end, 1) };
  let colors = {};
  let tiles = {};
  let drag = null;

  function look() {
    const style = getComputedStyle(document.documentElement);
    for (const name of ["page", "ink", "soft", "line", "band", "on-bar", "path", "locked", "queued", ...OUTCOMES]) {
      colors[name] = style.getPropertyValue(`--${name}`).trim();
    }
    tiles = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, tile(outcome)]));
  }

  // How an outcome is drawn, told apart without colour: plain, hatched, crossed, dotted, barred.
  function tile(outcome) {
    const canvas = element("canvas");
    canvas.width = canvas.height = 8;
    const pen = canvas.getContext("2d");
    pen.fillStyle = colors[outcome];
    pen.fillRect(0, 0, 8, 8);
    pen.strokeStyle = pen.fillStyle = colors.page;
    pen.lineWidth = 1.3;
    const line = (...points) => {
      pen.beginPath();
      for (let place = 0; place < points.length; place += 4) {
        pen.moveTo(points[place], points[place + 1]);
        pen.lineTo(points[place + 2], points[place + 3]);
      }
      pen.stroke();
    };
    if (outcome === "cached") line(-1, 9, 9, -1, -1, 1, 1, -1, 7, 9, 9, 7);
    if (outcome === "failed") line(0, 0, 8, 8, 8, 0, 0, 8);
    if (outcome === "skipped") pen.fillRect(2, 2, 4, 4);
    if (outcome === "cancelled") line(4, 0, 4, 8);
    return gantt.getContext("2d").createPattern(canvas, "repeat");
  }

  function legend() {
    const list = $("legend");
    list.replaceChildren();
    const entry = (name, draw) => {
      const swatch = element("canvas");
      swatch.width = 52;
      swatch.height = 28;
      const pen = swatch.getContext("2d");
      pen.scale(2, 2);
      draw(pen);
      const item = element("li");
      item.append(swatch, name);
      list.append(item);
    };
    for (const outcome of OUTCOMES.filter((outcome) => tasks.some((task) => task.outcome === outcome))) {
      entry(`${MARKS[outcome]} ${WORDS[outcome]}`, (pen) => {
        pen.fillStyle = tiles[outcome];
        pen.fillRect(0, 0, 26, 14);
      });
    }
    entry("◆ critical path", (pen) => {
      pen.strokeStyle = colors.path;
      pen.lineWidth = 2;
      pen.strokeRect(1, 1, 24, 12);
    });
    if (locks.size > 0) {
      entry("waits for a lock", (pen) => {
        pen.fillStyle = colors.locked;
        pen.fillRect(0, 5, 26, 5);
      });
    }
  }

  const laneHeight = () => (data.slots <= 12 ? 24 : data.slots <= 40 ? 14 : 8);
  const slotTop = (slot) => AXIS + slot * laneHeight();
  const lanes = () => [...locks.keys()].map((name) => `lock ${name}`).concat(unrun.length > 0 ? ["not run"] : []);
  const laneTop = (lane) => slotTop(data.slots) + 6 + lane * 18;
  const width = (canvas) => Math.max(canvas.clientWidth, GUTTER + 50);
  const toX = (at, canvas) => GUTTER + ((at - view.from) / (view.to - view.from)) * (width(canvas) - GUTTER);
  const toTime = (x, canvas) => view.from + ((x - GUTTER) / (width(canvas) - GUTTER)) * (view.to - view.from);

  function prepare(canvas, height) {
    const ratio = Math.max(window.devicePixelRatio || 1, document.documentElement.classList.contains("print") ? 3 : 1);
    const [wide, high] = [Math.round(width(canvas) * ratio), Math.round(height * ratio)];
    canvas.style.height = `${height}px`;
    if (canvas.width !== wide || canvas.height !== high) [canvas.width, canvas.height] = [wide, high];
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, wide, high);
    pen.font = "11px system-ui, sans-serif";
    pen.textBaseline = "middle";
    return pen;
  }

  // Times that are round numbers, about a hundred pixels apart.
  function ticks(canvas) {
    const rough = ((view.to - view.from) / (width(canvas) - GUTTER)) * 100;
    const power = 10 ** Math.floor(Math.log10(Math.max(rough, 1)));
    const minute = 60_000_000;
    const steps = rough > minute / 2 ? [1, 2, 5, 10, 15, 30, 60, 120, 360, 1440].map((factor) => factor * minute) :
      [1, 2, 5, 10].map((factor) => factor * power);
    const step = steps.find((step) => step >= rough) ?? Math.ceil(rough / (1440 * minute)) * 1440 * minute;
    const found = [];
    for (let at = Math.ceil(view.from / step) * step; at <= view.to; at += step) found.push(at);
    return { step, found };
  }

  function tickName(at, step) {
    if (step >= 3_600_000_000) return `${Math.round(at / 3.6e9)} h`;
    if (step >= 60_000_000) return `${Math.round(at / 6e7)} min`;
    const [unit, name] = view.to < 2_000_000 ? [1000, "ms"] : [1_000_000, "s"];
    const digits = Math.max(0, Math.ceil(-Math.log10(step / unit)));
    return `${(at / unit).toFixed(digits)} ${name}`;
  }

  function grid(pen, canvas, top, bottom, named) {
    const { step, found } = ticks(canvas);
    pen.strokeStyle = colors.line;
    pen.lineWidth = 1;
    pen.fillStyle = colors.soft;
    pen.textAlign = "center";
    for (const at of found) {
      const x = Math.round(toX(at, canvas)) + 0.5;
      pen.beginPath();
      pen.moveTo(x, top);
      pen.lineTo(x, bottom);
      pen.stroke();
      if (named && x < width(canvas) - 20) pen.fillText(tickName(at, step), x, AXIS / 2);
    }
    pen.textAlign = "left";
  }

  function clip(pen, canvas, height) {
    pen.save();
    pen.beginPath();
    pen.rect(GUTTER, 0, width(canvas) - GUTTER, height);
    pen.clip();
  }

  // ---- how many at once

  const LOAD = 90;

  // The last change before what is shown.
  function firstLoad() {
    let [low, high] = [0, load.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (load[middle].at < view.from) low = middle + 1;
      else high = middle;
    }
    return Math.max(low - 1, 0);
  }

  function drawLoad() {
    const pen = prepare(chart, LOAD);
    const most = Math.max(data.jobs, 1, ...[0, 1].map((which) => load.reduce((max, at) => Math.max(max, which ? at.locked : at.running), 0)));
    const y = (count) => LOAD - 8 - (count / most) * (LOAD - 20);
    pen.fillStyle = colors.soft;
    pen.fillText("at once", 0, 12);
    for (const count of new Set([most, data.jobs])) pen.fillText(`${count}${count === data.jobs ? " jobs" : ""}`, 50, y(count));
    grid(pen, chart, 8, LOAD - 8, false);
    clip(pen, chart, LOAD);
    pen.setLineDash([4, 4]);
    pen.strokeStyle = colors.soft;
    pen.strokeRect(GUTTER - 9, y(data.jobs), width(chart) + 18, LOAD);
    pen.setLineDash([]);
    // The most of each column of pixels, as steps from the left: where it begins, and how many.
    const columns = (count) => {
      const peaks = new Float64Array(Math.ceil(width(chart) - GUTTER) + 1);
      for (let place = firstLoad(); place < load.length && load[place].at <= view.to; place += 1) {
        const now = count(load[place]);
        const left = Math.max(Math.floor(toX(load[place].at, chart) - GUTTER), 0);
        const end = place + 1 < load.length ? toX(load[place + 1].at, chart) - GUTTER : left;
        const right = Math.min(Math.floor(end), peaks.length - 1);
        for (let column = left; column <= right; column += 1) peaks[column] = Math.max(peaks[column], now);
      }
      const steps = [];
      peaks.forEach((peak, column) => {
        if (column === 0 || peak !== peaks[column - 1]) steps.push([GUTTER + column, peak]);
      });
      steps.push([GUTTER + peaks.length, 0]);
      return steps;
    };
    pen.fillStyle = colors.succeeded;
    pen.globalAlpha = 0.55;
    const running = columns((at) => at.running);
    running.slice(1).forEach(([right], place) => {
      const [left, peak] = running[place];
      pen.fillRect(left, y(peak), right - left, y(0) - y(peak));
    });
    pen.globalAlpha = 1;
    pen.strokeStyle = colors.locked;
    pen.lineWidth = 1.5;
    pen.beginPath();
    let before = 0;
    for (const [left, peak] of locks.size > 0 ? columns((at) => at.locked) : []) {
      pen.lineTo(left, y(before));
      pen.lineTo(left, y(peak));
      before = peak;
    }
    pen.stroke();
    pen.restore();
  }

  // ---- which had which slot when

  function firstVisible(row) {
    let [low, high] = [0, row.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (row[middle].to < view.from) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  function drawSlot(pen, slot) {
    const row = perSlot[slot];
    const high = laneHeight() - 3;
    const top = slotTop(slot) + 1;
    let drawn = -1;
    for (let place = firstVisible(row); place < row.length && row[place].from <= view.to; place += 1) {
      const bar = row[place];
      const [left, right] = [toX(bar.from, gantt), toX(bar.to, gantt)];
      const wide = Math.max(right - left, 0.7);
      const { outcome } = bar.task;
      // Of those in one pixel one is enough, unless one failed.
      if (left + wide < drawn + 1 && outcome !== "failed") continue;
      drawn = left + wide;
      pen.globalAlpha = bar.task.matches ? 1 : 0.2;
      // What is too narrow for its pattern has its colour.
      pen.fillStyle = (wide < 4 ? colors[outcome] : tiles[outcome]) ?? tiles.cancelled;
      pen.fillRect(left, top, wide > 4 ? wide - 1 : wide, high);
      const started = toX(bar.from + bar.judged, gantt);
      if (started - left > 2 && bar.judged < bar.to - bar.from) {
        pen.fillStyle = colors.page;
        pen.globalAlpha *= 0.5;
        pen.fillRect(left, top, started - left, high);
        pen.globalAlpha = bar.task.matches ? 1 : 0.2;
      }
      // Beside what is pale, if there is room.
      const from = Math.max(right - started > 34 ? started : left, GUTTER);
      if (wide > 34 && high >= 11) label(pen, bar, from, top, right, high);
    }
    pen.globalAlpha = 1;
  }

  function label(pen, bar, left, top, right, high) {
    const room = Math.floor((right - left - 12) / 6);
    if (room < 3) return;
    const whole = `${MARKS[bar.task.outcome] ?? ""} ${bar.task.name}`;
    const name = whole.length > room ? `${whole.slice(0, room - 1)}…` : whole;
    if (bar.task.outcome !== "succeeded") {
      pen.fillStyle = colors[bar.task.outcome];
      pen.fillRect(left + 3, top + 2, pen.measureText(name).width + 6, high - 4);
    }
    pen.fillStyle = colors["on-bar"];
    pen.fillText(name, left + 6, top + high / 2);
  }

  function drawPath(pen) {
    pen.strokeStyle = colors.path;
    pen.lineWidth = 2;
    const high = laneHeight() - 3;
    let joined = -10;
    let striped = -1;
    for (const place of data.path) {
      const bar = bars[place];
      if (bar.to < view.from || bar.from > view.to) continue;
      const [left, right] = [toX(bar.from, gantt), toX(bar.to, gantt)];
      const top = slotTop(bar.slot) + 1;
      if (right - left > 4) {
        pen.strokeRect(left + 1, top, right - left - 2, high);
      } else if (right > striped || bar.slot !== bars[bar.cause]?.slot) {
        striped = left + Math.max(right - left, 1);
        pen.fillStyle = colors.path;
        pen.fillRect(left, top + high - 3, striped - left, 3);
      }
      if (bar.cause >= 0 && bars[bar.cause].slot !== bar.slot && left - joined > 3) {
        joined = left;
        pen.beginPath();
        pen.moveTo(left, slotTop(bars[bar.cause].slot) + laneHeight() / 2);
        pen.lineTo(left, top + high / 2);
        pen.stroke();
      }
    }
  }

  function drawLanes(pen) {
    let lane = 0;
    for (const lock of locks.values()) {
      pen.fillStyle = colors.locked;
      pen.globalAlpha = lock.spans.length > 50 ? 0.25 : 0.45;
      let drawn = -1;
      for (const [from, to] of lock.spans) {
        const [left, right] = [toX(from, gantt), toX(to, gantt)];
        if (right < GUTTER || left > width(gantt) || right < drawn + 0.5) continue;
        pen.fillRect(Math.max(left, drawn), laneTop(lane) + 3, Math.max(right - Math.max(left, drawn), 1), 10);
        drawn = right;
      }
      pen.globalAlpha = 1;
      lane += 1;
    }
    let drawn = -10;
    for (const task of [...unrun].sort((a, b) => a.ended - b.ended)) {
      const x = toX(task.ended, gantt);
      if (x < drawn + 3) continue;
      drawn = x;
      pen.fillStyle = tiles[task.outcome];
      pen.fillRect(x - 4, laneTop(lane) + 2, 8, 12);
    }
  }

  // What is not a step: before the first and after the last.
  function drawAround(pen) {
    const bottom = slotTop(data.slots);
    for (const [from, to, name] of [[0, data.begun, "planning"], [data.begun, data.first, "looking at files"], [data.last, data.end, "writing results"]]) {
      const [left, right] = [toX(from, gantt), toX(to, gantt)];
      if (right - left < 0.5) continue;
      pen.fillStyle = colors.band;
      pen.fillRect(left, AXIS, right - left, bottom - AXIS);
      pen.strokeStyle = colors.line;
      pen.strokeRect(left + 0.5, AXIS + 0.5, right - left - 1, bottom - AXIS - 1);
      if (right - left < name.length * 6 + 8) continue;
      pen.fillStyle = colors.soft;
      pen.fillText(name, left + 5, AXIS + 11);
    }
  }

  function drawGantt() {
    const height = laneTop(lanes().length) + 6;
    const pen = prepare(gantt, height);
    pen.fillStyle = colors.soft;
    const every = laneHeight() >= 12 ? 1 : Math.ceil(12 / laneHeight());
    for (let slot = 0; slot < data.slots; slot += every) pen.fillText(`slot ${slot + 1}`, 0, slotTop(slot) + laneHeight() / 2);
    lanes().forEach((name, lane) => pen.fillText(name.length > 15 ? `${name.slice(0, 14)}…` : name, 0, laneTop(lane) + 8));
    grid(pen, gantt, AXIS, height, true);
    clip(pen, gantt, height);
    drawAround(pen);
    for (let slot = 0; slot < data.slots; slot += 1) drawSlot(pen, slot);
    drawPath(pen);
    drawLanes(pen);
    pen.restore();
  }

  let waiting = false;
  function draw() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      drawNow();
    });
  }
  function drawNow() {
    drawLoad();
    drawGantt();
  }
  function redress() {
    look();
    legend();
    drawNow();
  }

  function show(from, to) {
    const least = Math.min(100, data.end || 1);
    const length = Math.min(Math.max(to - from, least), Math.max(data.end, 1));
    view.from = Math.min(Math.max(from, 0), Math.max(data.end, 1) - length);
    view.to = view.from + length;
    $("tip").hidden = true;
    draw();
  }
  function zoom(factor, around = (view.from + view.to) / 2) {
    show(around - (around - view.from) * factor, around + (view.to - around) * factor);
  }
  const move = (by) => show(view.from + by * (view.to - view.from), view.to + by * (view.to - view.from));
  const whole = () => show(0, data.end);

  $("in").addEventListener("click", () => zoom(0.5));
  $("out").addEventListener("click", () => zoom(2));
  $("whole").addEventListener("click", whole);
  const KEYS = {
    "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2), 0: whole,
    ArrowLeft: () => move(-0.25), ArrowRight: () => move(0.25),
  };
  gantt.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !KEYS[event.key]) return;
    event.preventDefault();
    KEYS[event.key]();
  });
  for (const canvas of [gantt, chart]) {
    canvas.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      zoom(event.deltaY < 0 ? 0.7 : 1 / 0.7, toTime(event.offsetX, canvas));
    }, { passive: false });
  }

  // ---- pointing at bars

  function barAt(x, y) {
    const slot = Math.floor((y - AXIS) / laneHeight());
    const row = perSlot[slot];
    if (!row || y < AXIS || x < GUTTER) return null;
    const [from, to] = [toTime(x - 2, gantt), toTime(x + 2, gantt)];
    let [low, high] = [0, row.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (row[middle].to < from) low = middle + 1;
      else high = middle;
    }
    let best = null;
    for (let place = low; place < row.length && row[place].from <= to; place += 1) {
      const bar = row[place];
      if (!best || bar.to - bar.from > best.to - best.from) best = bar;
    }
    return best;
  }

  function describe(bar) {
    const { task } = bar;
    const lines = [`${MARKS[task.outcome] ?? ""} ${WORDS[task.outcome] ?? task.outcome}: ${time(bar.to - bar.from)}, from ${time(bar.from)} to ${time(bar.to)}`];
    if (task.outcome === "cached" && task.took > 0) lines.push(`saved ${time(task.took)}`);
    if (task.note) lines.push(task.note);
    if (task.why) lines.push(`why: ${task.why}`);
    if (bar.judged > 0 && bar.judged < bar.to - bar.from) lines.push(`judged for ${time(bar.judged)} before that`);
    if (bar.lock >= NOISE) lines.push(`waited ${time(bar.lock)} for the lock ${bar.name}`);
    if (bar.job >= NOISE) lines.push(`waited ${time(bar.job)} for a free slot`);
    if (bar.cause >= 0) lines.push(`had waited last ${waited(bar)}`);
    if (task.attempts > 1) lines.push(`${task.attempts} attempts`);
    if (bar.critical) lines.push("◆ on the critical path");
    return lines;
  }

  function point(event) {
    const tip = $("tip");
    const bar = drag ? null : barAt(event.offsetX, event.offsetY);
    gantt.style.cursor = bar ? "pointer" : "crosshair";
    tip.hidden = !bar;
    if (!bar) return;
    tip.replaceChildren(element("strong", bar.task.name), ...describe(bar).map((line) => element("div", line)));
    const box = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(4, Math.min(event.clientX + 14, innerWidth - box.width - 8))}px`;
    tip.style.top = `${event.clientY + 18 + box.height > innerHeight ? event.clientY - box.height - 12 : event.clientY + 18}px`;
  }

  // A box above the chart shows what is dragged over, so that nothing has to be drawn again meanwhile.
  function select() {
    const box = $("drag");
    box.hidden = !drag;
    if (!drag) return;
    const place = gantt.getBoundingClientRect();
    box.style.left = `${place.left + Math.min(drag.from, drag.to)}px`;
    box.style.width = `${Math.abs(drag.to - drag.from)}px`;
    box.style.top = `${place.top}px`;
    box.style.height = `${place.height}px`;
  }

  gantt.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.offsetX < GUTTER) return;
    drag = { from: event.offsetX, to: event.offsetX };
    gantt.setPointerCapture(event.pointerId);
    select();
  });
  gantt.addEventListener("pointermove", (event) => {
    if (drag) {
      drag.to = Math.max(event.offsetX, GUTTER);
      select();
    }
    point(event);
  });
  gantt.addEventListener("pointerup", (event) => {
    if (!drag) return;
    const { from, to } = drag;
    drag = null;
    select();
    if (Math.abs(to - from) > 4) {
      show(toTime(Math.min(from, to), gantt), toTime(Math.max(from, to), gantt));
      return;
    }
    const bar = barAt(event.offsetX, event.offsetY);
    if (bar) {
      $("search").value = bar.task.name;
      filter();
    }
  });
  gantt.addEventListener("pointercancel", () => {
    drag = null;
    select();
  });
  gantt.addEventListener("pointerleave", () => { $("tip").hidden = true; });
  gantt.addEventListener("dblclick", whole);

  // ---- the table

  const PAGE = 200;
  const COLUMNS = [
    { name: "Step", key: (task) => task.name },
    { name: "Phase", key: (task) => task.phase },
    { name: "Outcome", key: (task) => OUTCOMES.indexOf(task.outcome) },
    { name: "Why it ran", key: (task) => task.why },
    { name: "Start", number: true, key: (task) => task.from },
    { name: "Waited for a slot", number: true, key: (task) => task.job },
    { name: "Waited for a lock", number: true, key: (task) => task.lock },
    { name: "Had a slot", number: true, key: (task) => task.held },
    { name: "Attempts", number: true, key: (task) => task.attempts },
  ];
  // As long as nobody has chosen an order, what failed comes first.
  const sorting = { column: 7, up: false, chosen: false };
  let shown = PAGE;
  let found = [];
  const wanted = new Set(OUTCOMES);

  COLUMNS.forEach((column, place) => {
    const head = element("th", undefined, column.number ? "n" : "");
    head.scope = "col";
    const button = element("button", column.name);
    button.type = "button";
    button.addEventListener("click", () => {
      sorting.up = sorting.column === place ? !sorting.up : !column.number;
      sorting.column = place;
      sorting.chosen = true;
      sort();
    });
    head.append(button);
    $("steps").tHead.rows[0].append(head);
  });
  for (const outcome of OUTCOMES) {
    const count = tasks.filter((task) => task.outcome === outcome).length;
    if (count === 0) continue;
    const box = element("input");
    box.type = "checkbox";
    box.checked = true;
    box.addEventListener("change", () => {
      if (box.checked) wanted.add(outcome);
      else wanted.delete(outcome);
      filter();
    });
    const named = element("label");
    named.append(box, ` ${MARKS[outcome]} ${WORDS[outcome]} (${count.toLocaleString("en")})`);
    $("outcomes").append(named);
  }

  function filter() {
    const words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const critical = $("critical").checked;
    for (const task of tasks) {
      task.all ??= `${task.name} ${task.phase} ${WORDS[task.outcome] ?? ""} ${task.why} ${task.note}`.toLowerCase();
      task.matches = wanted.has(task.outcome) && (!critical || task.critical) && words.every((word) => task.all.includes(word));
    }
    found = tasks.filter((task) => task.matches);
    shown = PAGE;
    sort();
    draw();
  }

  function sort() {
    const { key } = COLUMNS[sorting.column];
    const way = sorting.up ? 1 : -1;
    const failed = (task) => !sorting.chosen && task.outcome === "failed";
    found.sort((a, b) => {
      if (failed(a) !== failed(b)) return failed(a) ? -1 : 1;
      const [one, other] = [key(a), key(b)];
      if (one === other) return a.place - b.place;
      return (one < other ? -1 : 1) * way;
    });
    for (const [place, head] of [...$("steps").tHead.rows[0].cells].entries()) {
      if (place === sorting.column) head.setAttribute("aria-sort", sorting.up ? "ascending" : "descending");
      else head.removeAttribute("aria-sort");
      head.firstChild.textContent = COLUMNS[place].name + (place === sorting.column ? (sorting.up ? " ▲" : " ▼") : "");
    }
    fill();
  }

  function fill() {
    const part = found.slice(0, shown);
    $("steps").tBodies[0].replaceChildren(...part.map(row));
    $("count").textContent = `${found.length.toLocaleString("en")} of ${plural(called, "row")}` +
      (part.length < found.length ? `, the first ${part.length.toLocaleString("en")} shown` : "");
    $("more").hidden = part.length >= found.length;
  }

  function row(task) {
    const line = element("tr", undefined, `${task.outcome}${task.step >= 0 ? " part" : ""}${task.critical ? " critical" : ""}`);
    const outcome = element("td", WORDS[task.outcome] ?? task.outcome, "outcome");
    outcome.dataset.mark = MARKS[task.outcome] ?? "";
    const note = task.outcome === "cached" && task.took > 0 ? `saved ${time(task.took)}${task.note ? `, ${task.note}` : ""}` : task.note;
    if (note) outcome.append(element("span", note, "note"));
    const ran = task.from >= 0;
    const number = (value, there) => element("td", there ? time(value) : "", "n");
    line.append(
      element("td", task.name), element("td", task.phase), outcome, element("td", task.why),
      number(task.from, ran), number(task.job, task.job >= NOISE), number(task.lock, task.lock >= NOISE), number(task.held, ran),
      element("td", task.attempts > 0 ? String(task.attempts) : "", "n"),
    );
    return line;
  }

  let typing = 0;
  $("search").addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(filter, 80);
  });
  $("critical").addEventListener("change", filter);
  $("more").addEventListener("click", () => {
    shown += shown;
    fill();
  });

  // ---- light, dark, paper

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redress);
  addEventListener("resize", draw);
  addEventListener("beforeprint", () => {
    document.documentElement.classList.add("print");
    redress();
  });
  addEventListener("afterprint", () => {
    document.documentElement.classList.remove("print");
    redress();
  });
  look();
  legend();
  filter();
  drawNow();
})();
