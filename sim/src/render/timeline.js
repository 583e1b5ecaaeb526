"use strict";
(() => {
  // ---------------------------------------------------------------- the run
  const run = JSON.parse(document.getElementById("data").textContent);
  const lanes = run.lanes;
  const events = run.events.map(([id, cause, time, lane, label, step]) =>
    ({ id, cause, time, lane, label: run.labels[label], step, remarks: [], changes: [], effects: [], from: -1, fault: false }));
  const count = events.length;
  const index = new Map(events.map((event, i) => [event.id, i]));
  const at = (id) => index.has(id) ? index.get(id) : -1;
  events.forEach((event, i) => {
    const from = at(event.cause);
    if (from >= 0 && from < i) { event.from = from; events[from].effects.push(i); }
  });
  for (const [id, kind, text] of run.remarks) {
    const event = events[at(id)];
    if (!event) continue;
    event.remarks.push({ kind, text });
    if (kind === "fault") event.fault = true;
  }
  // Containers: a list of [index of the event, state], in order.
  const containers = new Map();
  for (const [container, state, id] of run.states) {
    const i = at(id);
    if (!containers.has(container)) containers.set(container, []);
    const history = containers.get(container);
    const before = history.length ? history[history.length - 1][1] : null;
    history.push([Math.max(i, 0), state]);
    if (i >= 0) events[i].changes.push({ container, state, before });
  }
  const chain = run.chain.map(at).filter((i) => i >= 0);
  const onChain = new Set(chain);
  const alarm = run.verdict ? at(run.verdict.event) : -1;
  const SHOWN_CONTAINERS = 32;
  const bands = [...containers.keys()].slice(0, SHOWN_CONTAINERS);

  const stateAt = (container, i) => {
    const history = containers.get(container);
    let low = 0, high = history.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (history[middle][0] <= i) low = middle + 1; else high = middle;
    }
    return low ? history[low - 1][1] : null;
  };
  const KNOWN_STATES = ["FETCHING", "PULLING", "MOUNTING", "RUNNING", "DESTROYING", "GONE"];
  const stateVariable = (state) => KNOWN_STATES.includes(state) ? "--s-" + state.toLowerCase() : "--s-other";

  // ---------------------------------------------------------------- words
  const decimal = (value) => String(Math.floor(value * 1000 + 1e-6) / 1000);
  const duration = (ns) => {
    if (ns === 0) return "0";
    if (ns < 1e3) return ns + " ns";
    if (ns < 1e6) return decimal(ns / 1e3) + " µs";
    if (ns < 1e9) return decimal(ns / 1e6) + " ms";
    const seconds = ns / 1e9;
    if (seconds < 60) return decimal(seconds) + " s";
    if (seconds < 3600) return Math.floor(seconds / 60) + " min " + decimal(seconds % 60) + " s";
    if (seconds < 86400) return Math.floor(seconds / 3600) + " h " + Math.floor(seconds / 60 % 60) + " min";
    return Math.floor(seconds / 86400) + " d " + Math.floor(seconds / 3600 % 24) + " h";
  };
  const number = (n) => n.toLocaleString("en-US");
  const rough = (ns) => duration(Number(ns.toPrecision(3)));
  // A container's id is long, and its ends tell it from others.
  const brief = (id) => id.length > 16 ? id.slice(0, 8) + "…" + id.slice(-4) : id;
  const briefly = (text) => bands.reduce((text, id) => id.length > 16 ? text.replaceAll(id, brief(id)) : text, text);
  const shorten = (text, most) => text.length > most ? text.slice(0, most - 1) + "…" : text;

  // ---------------------------------------------------------------- elements
  const $ = (id) => document.getElementById(id);
  const make = (tag, className, text) => {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const add = (parent, ...children) => { parent.append(...children); return parent; };
  const root = document.documentElement, scroller = $("scroller"), head = $("head"), body = $("body");
  const rowsBox = $("rows"), graph = $("graph"), map = $("map"), mapCanvas = $("map-canvas"), panel = $("panel");

  // ---------------------------------------------------------------- colours
  let colours = {};
  const colour = (name) => colours[name] || (colours[name] = getComputedStyle(root).getPropertyValue(name).trim());
  const stateColour = (state) => colour(stateVariable(state));
  const laneColour = (lane) => colour("--" + lanes[lane].kind);
  const options = new URLSearchParams(location.hash.slice(1));
  const THEMES = ["auto", "light", "dark"];
  let theme = THEMES.includes(options.get("theme")) ? options.get("theme") : "auto";
  const systemDark = matchMedia("(prefers-color-scheme: dark)");
  const applyTheme = () => {
    root.dataset.theme = theme === "auto" ? (systemDark.matches ? "dark" : "light") : theme;
    $("theme").textContent = theme[0].toUpperCase() + theme.slice(1);
    colours = {};
  };

  // ---------------------------------------------------------------- what is shown
  const ROW = 22, GAP = 22, ALARM = 24, HEAD = 119;
  // So much virtual time between two events is worth a gap in the picture.
  const LONG = Math.min(1e8, (count ? events[count - 1].time : 0) / 50);
  let mode = "all";          // all, chain, found
  let shown = [];            // indices of events
  let rowOf = new Int32Array(count).fill(-1);   // the row of an event, -1 if it is not shown
  let nextRow = new Int32Array(count).fill(-1); // the row of it or of the next one shown
  let tops = new Float64Array(1);
  let total = 0;
  let selected = -1, hovered = -1;
  let found = [], isFound = new Set(), query = "";
  let causes = new Set(), effects = new Set();

  const isLong = (passed) => passed > 0 && passed >= LONG;
  const layOut = () => {
    shown = mode === "chain" ? chain.slice() : mode === "found" ? found.slice() : events.map((_, i) => i);
    rowOf.fill(-1);
    tops = new Float64Array(shown.length);
    let y = 4, before = 0;
    shown.forEach((i, row) => {
      if (isLong(events[i].time - before)) y += GAP;
      before = events[i].time;
      rowOf[i] = row;
      tops[row] = y;
      y += ROW;
      if (i === alarm) y += ALARM;
    });
    for (let i = count - 1, row = -1; i >= 0; i--) nextRow[i] = row = rowOf[i] < 0 ? row : rowOf[i];
    total = y + 40;
    body.style.height = total + "px";
    $("nothing").hidden = shown.length > 0;
    $("nothing").textContent = count === 0 ? "Nothing happened: this run has no events."
      : mode === "chain" ? "This run has no causal chain." : "The search found nothing.";
  };
  const middle = (row) => tops[row] + ROW / 2;
  // The first row whose top is at y or below.
  const rowAt = (y) => {
    let low = 0, high = shown.length;
    while (low < high) {
      const half = (low + high) >> 1;
      if (tops[half] < y) low = half + 1; else high = half;
    }
    return low;
  };

  // Columns.
  const column = { num: 0, time: 0, bands: 0, band: 0, lanes: 0, lane: 0, text: 0, width: 0 };
  const measure = () => {
    const width = scroller.clientWidth || 1000;
    column.num = String(count).length * 7.5 + 16;
    column.time = column.num + 80;
    column.bands = column.time + 12;
    column.band = bands.length <= 4 ? 17 : bands.length <= 12 ? 11 : 6;
    column.lanes = column.bands + bands.length * (column.band + 3) + (bands.length ? 36 : 14);
    const room = width - column.lanes - 560;
    column.lane = Math.max(22, Math.min(62, room / Math.max(lanes.length, 1)));
    column.text = column.lanes + Math.max(lanes.length - 1, 0) * column.lane + 30;
    column.width = Math.max(width, column.text + 300);
    body.style.width = head.style.width = column.width + "px";
  };
  const laneX = (lane) => column.lanes + lane * column.lane;
  const bandX = (band) => column.bands + band * (column.band + 3);

  const drawHead = () => {
    head.textContent = "";
    const place = (element, left) => { element.style.left = left + "px"; head.append(element); return element; };
    place(make("span", "col", "#"), column.num - 14);
    place(make("span", "col", "time"), column.time - 30);
    place(make("span", "col", "event"), column.text);
    bands.forEach((container, band) => {
      const box = place(make("i", "box"), bandX(band));
      box.style.width = column.band + "px";
      box.style.background = colour("--faint");
      if (band % (column.band < 9 ? 3 : column.band < 15 ? 2 : 1)) return;
      const name = place(make("button", "name", brief(container)), bandX(band) + column.band / 2 + 2);
      name.classList.add("container");
      name.title = "Container " + container + ": its next change of state";
      name.onclick = () => seek(1, (i) => events[i].changes.some((change) => change.container === container));
    });
    lanes.forEach((lane, i) => {
      const knob = place(make("i", "knob"), laneX(i) - 3.5);
      knob.style.background = laneColour(i);
      const name = place(make("button", "name", lane.name), laneX(i) + 2);
      name.title = lane.name + " (" + lane.kind + "): next event here";
      name.dataset.lane = i;
      name.onclick = () => seek(1, (j) => events[j].lane === i);
    });
  };

  // ---------------------------------------------------------------- rows: only those in sight
  const labelOf = (event) => {
    const label = make("span", "label");
    const cut = event.label.lastIndexOf("::");
    if (cut > 0) add(label, make("span", "scope", event.label.slice(0, cut + 2)), event.label.slice(cut + 2));
    else label.textContent = event.label;
    return label;
  };
  const chip = (state, text) => {
    const element = make("span", "chip", text || state);
    element.style.background = stateColour(state);
    return element;
  };
  const buildRow = (row) => {
    const i = shown[row], event = events[i];
    const element = make("div", "row");
    element.style.top = tops[row] + "px";
    element.dataset.i = i;
    element.id = "row-" + i;
    element.setAttribute("role", "option");
    element.setAttribute("aria-selected", String(i === selected));
    if (onChain.has(i)) element.classList.add("chain");
    if (i === alarm) element.classList.add("violation");
    if (isFound.has(i)) element.classList.add("match");
    if (i === selected) element.classList.add("selected");
    const num = make("span", "num", event.id);
    num.style.width = column.num - 6 + "px";
    const before = row > 0 ? events[shown[row - 1]].time : -1;
    const time = make("span", "time" + (event.time === before ? " same" : ""), duration(event.time));
    time.style.left = column.num + "px";
    time.style.width = column.time - column.num + "px";
    const what = make("span", "what");
    what.style.left = column.text + "px";
    add(what, labelOf(event));
    for (const change of event.changes) {
      const name = containers.size > 1 ? brief(change.container) + " " : "";
      add(what, chip(change.state, name + (change.before ? change.before + " → " : "") + change.state));
    }
    for (const { kind, text } of event.remarks) {
      if (kind === "state" && event.changes.length) continue;
      const note = make("span", kind === "fault" ? "fault-note" : "note");
      if (kind === "fault") note.append(make("i", "bolt"));
      note.append(shorten(briefly(text), 160));
      note.title = kind + ": " + shorten(text, 2000);
      what.append(note);
    }
    return add(element, num, time, what);
  };
  const buildRows = (first, last) => {
    const fragment = document.createDocumentFragment();
    for (let row = first; row < last; row++) {
      const i = shown[row], passed = events[i].time - (row > 0 ? events[shown[row - 1]].time : 0);
      if (isLong(passed)) {
        const gap = make("div", "gap"), text = make("span", "", "+ " + rough(passed));
        gap.style.top = tops[row] - GAP + "px";
        text.style.right = column.width - column.time - 6 + "px";
        fragment.append(add(gap, text));
      }
      fragment.append(buildRow(row));
      if (i === alarm) {
        const strip = make("div", "alarm"), text = make("span", "", run.verdict.oracle + " violated: " + run.verdict.message);
        strip.style.top = tops[row] + ROW + "px";
        text.style.left = "16px";
        fragment.append(add(strip, text));
      }
    }
    rowsBox.replaceChildren(fragment);
  };

  // ---------------------------------------------------------------- the graph
  const OVERSCAN = 200;
  let pen, yOf = 0;
  const line = (points, width, stroke, dash) => {
    pen.beginPath();
    points.forEach(([x, y], n) => n ? pen.lineTo(x, y - yOf) : pen.moveTo(x, y - yOf));
    pen.setLineDash(dash || []);
    pen.lineWidth = width;
    pen.strokeStyle = stroke;
    pen.lineJoin = pen.lineCap = "round";
    pen.stroke();
    pen.setLineDash([]);
  };
  const arrowHead = (x, y, direction, fill, size) => {
    pen.fillStyle = fill;
    pen.beginPath();
    pen.moveTo(x, y - yOf);
    pen.lineTo(x - direction * size * 1.5, y - yOf - size * .8);
    pen.lineTo(x - direction * size * 1.5, y - yOf + size * .8);
    pen.fill();
  };
  // From a cause to its effect: along the cause's lane, then across.
  const link = (i, width, stroke, dash) => {
    const event = events[i], from = event.from;
    if (from < 0 || rowOf[i] < 0) return;
    const x1 = laneX(events[from].lane), x2 = laneX(event.lane), y2 = middle(rowOf[i]);
    const y1 = rowOf[from] < 0 ? y2 : middle(rowOf[from]);
    if (y2 < yOf - 40 || y1 > yOf + graph.clientHeight + 40) return;
    const direction = Math.sign(x2 - x1);
    if (direction) {
      line([[x1, y1], [x1, y2], [x2 - direction * 9, y2]], width, stroke, dash);
      arrowHead(x2 - direction * 6, y2, direction, stroke, 3.5 + width / 2);
    } else {
      line([[x1, y1], [x1, y2]], width, stroke, dash);
    }
  };
  const drawBands = (bottom) => {
    pen.textBaseline = "middle";
    pen.textAlign = "left";
    const yAt = (i) => nextRow[i] < 0 ? total : tops[nextRow[i]];
    bands.forEach((container, band) => {
      const history = containers.get(container), x = bandX(band), w = column.band;
      history.forEach(([i, state], n) => {
        const from = yAt(i), to = n + 1 < history.length ? yAt(history[n + 1][0]) : (state === "GONE" ? from + 60 : total - 30);
        if (to <= yOf || from >= bottom || to <= from) return;
        const top = Math.max(from, yOf - 10), end = Math.min(to - 1.5, bottom + 10);
        pen.fillStyle = stateColour(state);
        pen.globalAlpha = state === "GONE" ? .45 : 1;
        pen.beginPath();
        pen.roundRect(x, top - yOf, w, Math.max(end - top, 2), 3);
        pen.fill();
        pen.globalAlpha = 1;
        if (w < 15) return;
        pen.font = "650 10px " + colour("--sans");
        // Written where it is in sight.
        const view = Math.max(from, scroller.scrollTop), room = Math.min(to, scroller.scrollTop + scroller.clientHeight) - view;
        const wide = pen.measureText(state).width;
        if (room < wide + 10) return;
        pen.save();
        pen.translate(x + w / 2 + .5, view - yOf + 7);
        pen.rotate(Math.PI / 2);
        pen.fillStyle = state === "GONE" ? colour("--ink") : "#fff";
        pen.fillText(state, 0, 0);
        pen.restore();
      });
    });
  };
  const bolt = (x, y, size) => {
    const shape = [[.58, 0], [0, .58], [.42, .58], [.3, 1], [1, .38], [.56, .38], [.8, 0]];
    pen.beginPath();
    shape.forEach(([a, b], n) => pen[n ? "lineTo" : "moveTo"](x + a * size * .7, y - yOf + b * size - size / 2));
    pen.closePath();
    pen.fillStyle = colour("--fault");
    pen.strokeStyle = colour("--surface");
    pen.lineWidth = 3;
    pen.stroke();
    pen.fill();
  };
  const drawEvent = (row) => {
    const i = shown[row], event = events[i], x = laneX(event.lane), y = middle(row);
    const strong = onChain.has(i) || i === selected || causes.has(i) || effects.has(i);
    const fill = i === alarm ? colour("--bad") : laneColour(event.lane);
    pen.fillStyle = fill;
    pen.strokeStyle = colour("--surface");
    pen.lineWidth = 1.5;
    pen.beginPath();
    pen.arc(x, y - yOf, strong ? 5 : 3.8, 0, 2 * Math.PI);
    pen.fill();
    pen.stroke();
    const ring = (radius, stroke) => {
      pen.strokeStyle = stroke;
      pen.lineWidth = 2;
      pen.beginPath();
      pen.arc(x, y - yOf, radius, 0, 2 * Math.PI);
      pen.stroke();
    };
    if (i === alarm) {
      ring(8, colour("--bad"));
      pen.strokeStyle = "#fff";
      pen.lineWidth = 1.5;
      pen.beginPath();
      pen.moveTo(x - 2, y - yOf - 2); pen.lineTo(x + 2, y - yOf + 2);
      pen.moveTo(x + 2, y - yOf - 2); pen.lineTo(x - 2, y - yOf + 2);
      pen.stroke();
    } else if (i === selected) ring(8, colour("--accent"));
    else if (onChain.has(i)) ring(6.5, colour("--chain"));
    else if (effects.has(i)) ring(6.5, colour("--effect"));
    else if (causes.has(i)) ring(6.5, colour("--accent"));
    if (event.fault) bolt(x + 8, y, 15);
  };
  const drawGraph = () => {
    const height = scroller.clientHeight + 2 * OVERSCAN, width = column.text - 8;
    const ratio = window.devicePixelRatio || 1;
    yOf = Math.max(0, scroller.scrollTop - OVERSCAN);
    const bottom = yOf + height;
    const w = Math.round(width * ratio), h = Math.round(height * ratio);
    if (graph.width !== w || graph.height !== h) {
      graph.width = w; graph.height = h;
      graph.style.width = width + "px"; graph.style.height = height + "px";
    }
    graph.style.top = yOf + "px";
    pen = graph.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    const end = Math.min(bottom, total - 20);
    lanes.forEach((_, lane) => line([[laneX(lane), yOf], [laneX(lane), end]], 1, colour("--lifeline")));
    drawBands(bottom);
    const first = Math.max(0, rowAt(yOf - ROW)), last = Math.min(shown.length, rowAt(bottom));
    for (let row = first; row < last; row++) {
      const i = shown[row], event = events[i];
      if (event.from < 0) continue;
      const x1 = laneX(events[event.from].lane), x2 = laneX(event.lane), y = middle(row), direction = Math.sign(x2 - x1);
      if (direction) {
        line([[x1, y], [x2 - direction * 9, y]], 1, colour("--arrow"));
        arrowHead(x2 - direction * 6, y, direction, colour("--arrow"), 4);
      } else {
        // Sent to itself.
        pen.beginPath();
        pen.arc(x2 - 4, y - yOf - 5, 4.5, Math.PI * .6, Math.PI * 1.7);
        pen.lineWidth = 1;
        pen.strokeStyle = colour("--arrow");
        pen.stroke();
      }
    }
    for (const i of chain) link(i, 2.6, colour("--chain"));
    if (selected >= 0) {
      for (const i of causes) if (!onChain.has(i)) link(i, 2.4, colour("--accent"));
      if (!onChain.has(selected)) link(selected, 2.4, colour("--accent"));
      for (const i of effects) if (!onChain.has(i)) link(i, 2.2, colour("--effect"), [5, 4]);
    }
    if (hovered >= 0 && hovered !== selected) link(hovered, 2, colour("--muted"));
    for (let row = first; row < last; row++) drawEvent(row);
  };

  // ---------------------------------------------------------------- the whole run, small
  const drawMap = () => {
    const width = map.clientWidth, height = map.clientHeight, ratio = window.devicePixelRatio || 1;
    mapCanvas.width = Math.round(width * ratio); mapCanvas.height = Math.round(height * ratio);
    mapCanvas.style.width = width + "px"; mapCanvas.style.height = height + "px";
    const ink = mapCanvas.getContext("2d"), scale = Math.min(height / Math.max(total, 1), 1);
    ink.setTransform(ratio, 0, 0, ratio, 0, 0);
    const few = bands.slice(0, 3), bandWidth = few.length ? 12 / few.length : 0;
    few.forEach((container, band) => {
      let state = null, from = 0;
      const put = (to) => {
        if (!state) return;
        ink.fillStyle = stateColour(state);
        ink.globalAlpha = state === "GONE" ? .35 : 1;
        ink.fillRect(3 + band * bandWidth, from, bandWidth - .5, Math.max(to - from, 1));
        ink.globalAlpha = 1;
      };
      const history = containers.get(container);
      history.forEach(([i, next]) => {
        const y = (nextRow[i] < 0 ? total : tops[nextRow[i]]) * scale;
        put(y); state = next; from = y;
      });
      put(total * scale);
    });
    const mark = (i, x, w, h, name) => {
      if (rowOf[i] < 0) return;
      ink.fillStyle = colour(name);
      ink.fillRect(x, middle(rowOf[i]) * scale - h / 2, w, h);
    };
    const laneScale = 22 / Math.max(lanes.length, 1), thin = Math.max(.6, Math.min(2, ROW * scale * .5));
    for (const i of shown) mark(i, 19 + events[i].lane * laneScale, Math.max(laneScale, 2), thin, "--arrow");
    for (const i of found) mark(i, 17, 27, 2, "--s-destroying");
    for (const i of chain) mark(i, 19 + events[i].lane * laneScale, Math.max(laneScale, 3), Math.max(thin, 2), "--chain");
    events.forEach((event, i) => { if (event.fault) mark(i, 17, 27, 3, "--fault"); });
    if (alarm >= 0) mark(alarm, 0, width, 3, "--bad");
  };
  const drawMapView = () => {
    const height = map.clientHeight, scale = Math.min(height / Math.max(total, 1), 1), view = $("map-view");
    view.style.top = scroller.scrollTop * scale + "px";
    view.style.height = Math.min((scroller.clientHeight - HEAD) * scale, total * scale) + "px";
    view.hidden = !shown.length;
    const here = $("map-selected"), row = selected < 0 ? -1 : rowOf[selected];
    here.hidden = row < 0;
    if (row >= 0) here.style.top = middle(row) * scale - 1 + "px";
  };

  // ---------------------------------------------------------------- drawing at most once a frame
  let waiting = false, stale = { rows: true, map: true }, builtFirst = -1, builtLast = -1;
  const draw = () => {
    waiting = false;
    const first = Math.max(0, rowAt(scroller.scrollTop - OVERSCAN)), last = Math.min(shown.length, rowAt(scroller.scrollTop + scroller.clientHeight + OVERSCAN));
    if (stale.rows || first !== builtFirst || last !== builtLast) {
      buildRows(first, last);
      builtFirst = first; builtLast = last; stale.rows = false;
    }
    drawGraph();
    if (stale.map) { drawMap(); stale.map = false; }
    drawMapView();
  };
  // What is out of date: "all", "rows" (and the graph), or only the graph.
  const redraw = (what) => {
    if (what) stale.rows = true;
    if (what === "all") stale.map = true;
    if (!waiting) { waiting = true; requestAnimationFrame(draw); }
  };

  // ---------------------------------------------------------------- the side panel
  const linkTo = (i) => {
    const event = events[i], button = make("button", "link" + (i === selected ? " current" : ""));
    button.type = "button";
    const cut = event.label.lastIndexOf("::");
    const label = make("span", "l", cut > 0 ? event.label.slice(cut + 2) : event.label);
    label.title = event.label;
    const actor = make("span", "a", lanes[event.lane].name);
    actor.style.color = laneColour(event.lane);
    button.onclick = () => select(i, true);
    return add(button, make("span", "n", "#" + event.id), label, actor);
  };
  const LISTED = 60;
  const links = (list, className) => {
    const box = make("div", "links " + (className || ""));
    for (const i of list.slice(0, LISTED)) box.append(linkTo(i));
    if (list.length > LISTED) box.append(make("span", "none", "and " + number(list.length - LISTED) + " more"));
    return box;
  };
  const describe = () => {
    const parts = [];
    const section = (title, ...children) => parts.push(make("h3", "", title), ...children);
    if (selected >= 0) {
      const event = events[selected];
      parts.push(make("h2", "", event.label));
      const where = make("div", "where"), actor = make("span"), dot = make("i", "dot");
      dot.style.background = laneColour(event.lane);
      add(actor, dot, make("b", "", lanes[event.lane].name));
      const fact = (name, value) => add(make("span"), name + " ", make("b", "", value));
      const time = fact("at", duration(event.time));
      time.title = number(event.time) + " ns of virtual time";
      parts.push(add(where, actor, fact("event", "#" + event.id), fact("step", event.step), time));
      const remarks = [];
      for (const change of event.changes) {
        const remark = make("p", "remark");
        add(remark, make("b", "", "state"), shorten(change.container, 40));
        if (change.before) remark.append(chip(change.before), " → ");
        remarks.push(add(remark, chip(change.state)));
      }
      if (selected === alarm) {
        remarks.push(add(make("p", "remark bad"), make("b", "", run.verdict.oracle), run.verdict.message));
      }
      for (const { kind, text } of event.remarks) {
        if (kind === "state" && event.changes.length) continue;
        remarks.push(add(make("p", "remark" + (kind === "fault" ? " fault" : "")), make("b", "", kind), shorten(text, 4000)));
      }
      section("Remarks", ...(remarks.length ? remarks : [make("p", "none", "none")]));
      section("Caused by", event.from >= 0 ? links([event.from]) : make("p", "none", event.cause ? "event " + event.cause + ", which is not recorded" : "the start of the run"));
      section("Effects", event.effects.length ? links(event.effects) : make("p", "none", "none"));
      const alive = [...containers.keys()].map((container) => [container, stateAt(container, selected)]).filter(([, state]) => state);
      if (alive.length) {
        const grid = make("div", "containers");
        for (const [container, state] of alive.slice(0, LISTED)) {
          const id = make("span", "id", container);
          id.title = container;
          add(grid, id, chip(state));
        }
        section("Containers after this event", grid);
      }
    }
    if (chain.length) {
      const title = run.verdict ? "Causal chain of the violation" : "Causal chain";
      const place = chain.indexOf(selected), from = chain.length <= LISTED ? 0 : Math.max(0, Math.min(chain.length - LISTED, (place < 0 ? chain.length : place) - LISTED / 2));
      section(title + (chain.length > LISTED ? " (" + number(chain.length) + " events, " + LISTED + " listed)" : ""), links(chain.slice(from, from + LISTED), "chain-list"));
    }
    if (run.replay) {
      const copy = make("button", "", "Copy");
      copy.type = "button";
      copy.onclick = () => {
        const done = () => { copy.textContent = "Copied"; setTimeout(() => { copy.textContent = "Copy"; }, 1200); };
        if (navigator.clipboard) navigator.clipboard.writeText(run.replay).then(done, () => getSelection().selectAllChildren(code));
        else getSelection().selectAllChildren(code);
      };
      const code = make("code", "", run.replay);
      section("Replay", add(make("div", "replay"), code, copy));
    }
    panel.replaceChildren(...parts);
    panel.scrollTop = 0;
  };

  // ---------------------------------------------------------------- moving about
  const reveal = (i, place) => {
    const row = rowOf[i];
    if (row < 0) return;
    const top = tops[row], height = scroller.clientHeight - HEAD, y = scroller.scrollTop;
    if (place !== undefined) scroller.scrollTop = top - height * place;
    else if (top < y + 2 * ROW) scroller.scrollTop = top - Math.min(height / 3, 8 * ROW);
    else if (top + 3 * ROW > y + height) scroller.scrollTop = top - height + Math.min(height / 3, 8 * ROW);
  };
  const select = (i, show) => {
    if (i < 0 || i >= count) return;
    if (rowOf[i] < 0) { mode = "all"; layOut(); showMode(); redraw("all"); }
    selected = i;
    causes = new Set();
    for (let j = events[i].from; j >= 0; j = events[j].from) causes.add(j);
    effects = new Set(events[i].effects);
    if (show) reveal(i);
    describe();
    showPosition();
    scroller.setAttribute("aria-activedescendant", "row-" + i);
    redraw("rows");
  };
  const showPosition = () => {
    const row = selected >= 0 ? rowOf[selected] : -1;
    $("position").textContent = shown.length ? (row >= 0 ? number(row + 1) : "–") + " of " + number(shown.length) : "no events";
    $("first").disabled = $("back").disabled = row <= 0;
    $("next").disabled = $("last").disabled = !shown.length || row === shown.length - 1;
    $("cause").disabled = selected < 0 || events[selected].from < 0;
    $("effect").disabled = selected < 0 || !events[selected].effects.length;
    for (const name of head.querySelectorAll(".name")) {
      name.classList.toggle("on", selected >= 0 && name.dataset.lane === String(events[selected].lane));
    }
  };
  const step = (by) => {
    const row = selected >= 0 ? rowOf[selected] : -1;
    const to = Math.max(0, Math.min(shown.length - 1, row < 0 ? 0 : row + by));
    if (shown.length) select(shown[to], true);
  };
  // The next event (or the one before) for which `wanted` holds, from the other end if need be.
  const seek = (direction, wanted) => {
    const start = selected < 0 ? (direction > 0 ? -1 : shown.length) : rowOf[selected];
    for (let n = 1; n <= shown.length; n++) {
      const row = (start + direction * n + 2 * shown.length) % shown.length;
      if (wanted(shown[row])) { select(shown[row], true); return; }
    }
  };
  const toCause = () => { if (selected >= 0 && events[selected].from >= 0) select(events[selected].from, true); };
  const toEffect = () => {
    if (selected < 0 || !events[selected].effects.length) return;
    const list = events[selected].effects;
    select(list.find((i) => onChain.has(i)) ?? list[0], true);
  };
  const toViolation = () => { if (alarm >= 0) { select(alarm); reveal(alarm, .7); } };

  const showMode = () => {
    for (const name of ["all", "chain", "found"]) $("show-" + name).setAttribute("aria-checked", String(mode === name));
    $("show-found").disabled = !query;
    $("show-chain").disabled = !chain.length;
  };
  const setMode = (to) => {
    if ((to === "found" && !query) || (to === "chain" && !chain.length)) return;
    mode = to;
    layOut(); showMode(); showPosition();
    if (selected >= 0 && rowOf[selected] >= 0) reveal(selected, .4); else scroller.scrollTop = 0;
    redraw("all");
  };

  // ---------------------------------------------------------------- search
  let haystack = null;
  const search = (text) => {
    query = text.trim().toLowerCase();
    haystack ??= events.map((event) => [
      event.label, lanes[event.lane].name, lanes[event.lane].kind,
      ...event.remarks.map(({ kind, text }) => kind + " " + text),
      ...event.changes.map(({ container, state }) => container + " " + state),
    ].join("\n").toLowerCase());
    const exact = /^#(\d+)$/.exec(query);
    if (!query) found = [];
    else if (exact) found = [at(Number(exact[1]))].filter((i) => i >= 0);
    else {
      const words = query.split(/\s+/);
      found = [];
      haystack.forEach((hay, i) => { if (words.every((word) => hay.includes(word))) found.push(i); });
    }
    isFound = new Set(found);
    if (mode === "found") { if (!query) mode = "all"; layOut(); }
    showMode(); showFound(); showPosition();
    redraw("all");
  };
  const showFound = () => {
    const place = found.indexOf(selected);
    $("found").textContent = !query ? "" : !found.length ? "nothing found"
      : (place >= 0 ? number(place + 1) + " of " : "") + number(found.length) + " found";
  };
  const nextFound = (direction) => { if (found.length) { seek(direction, (i) => isFound.has(i)); showFound(); } };

  // ---------------------------------------------------------------- wiring
  const KEYS = [
    ["↑ ↓ ← → k j", "step back and on"], ["PgUp PgDn", "ten events back and on"], ["Home End", "first, last event"],
    ["c e", "to the cause, to an effect (on the chain if there is one)"], ["[ ]", "before and next in the same lane"],
    ["p n", "before and next on the causal chain"], ["f F", "next fault, the one before"], ["s S", "next state change, the one before"],
    ["v", "to the violation"], ["a h m", "show all, the chain, what was found"], ["/", "search; Enter, Shift+Enter: next, before"],
    ["?", "these keys"],
  ];
  const toggleHelp = (show) => { $("help").hidden = show === undefined ? !$("help").hidden : !show; };
  const keys = {
    ArrowUp: () => step(-1), ArrowLeft: () => step(-1), k: () => step(-1),
    ArrowDown: () => step(1), ArrowRight: () => step(1), j: () => step(1),
    PageUp: () => step(-10), PageDown: () => step(10), Home: () => step(-count), End: () => step(count),
    c: toCause, e: toEffect, v: toViolation,
    "[": () => seek(-1, (i) => events[i].lane === events[selected]?.lane), "]": () => seek(1, (i) => events[i].lane === events[selected]?.lane),
    p: () => seek(-1, (i) => onChain.has(i)), n: () => seek(1, (i) => onChain.has(i)),
    f: () => seek(1, (i) => events[i].fault), F: () => seek(-1, (i) => events[i].fault),
    s: () => seek(1, (i) => events[i].changes.length > 0), S: () => seek(-1, (i) => events[i].changes.length > 0),
    a: () => setMode("all"), h: () => setMode("chain"), m: () => setMode("found"),
    "/": () => { $("search").focus(); $("search").select(); }, "?": () => toggleHelp(), Escape: () => toggleHelp(false),
  };
  document.addEventListener("keydown", (press) => {
    if (press.ctrlKey || press.metaKey || press.altKey) return;
    if (press.target === $("search")) {
      if (press.key === "Enter") { nextFound(press.shiftKey ? -1 : 1); press.preventDefault(); }
      if (press.key === "Escape") scroller.focus();
      return;
    }
    if (press.key in keys) { keys[press.key](); press.preventDefault(); }
  });
  const wire = (id, act) => { $(id).onclick = act; };
  wire("first", () => step(-count)); wire("back", () => step(-1)); wire("next", () => step(1)); wire("last", () => step(count));
  wire("cause", toCause); wire("effect", toEffect); wire("violation", toViolation);
  wire("fault", keys.f); wire("state", keys.s);
  wire("show-all", () => setMode("all")); wire("show-chain", () => setMode("chain")); wire("show-found", () => setMode("found"));
  wire("theme", () => { theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]; refresh(); });
  wire("help-button", () => toggleHelp()); wire("help", () => toggleHelp(false));
  $("search").oninput = () => search($("search").value);
  const rowUnder = (pointer) => {
    const row = pointer.target.closest?.(".row");
    return row ? Number(row.dataset.i) : -1;
  };
  body.onclick = (pointer) => { const i = rowUnder(pointer); if (i >= 0) { select(i); showFound(); } };
  body.onmousemove = (pointer) => { const i = rowUnder(pointer); if (i !== hovered) { hovered = i; redraw(); } };
  body.onmouseleave = () => { hovered = -1; redraw(); };
  scroller.onscroll = () => redraw();
  let dragging = false;
  const toMap = (pointer) => {
    const scale = Math.min(map.clientHeight / Math.max(total, 1), 1);
    scroller.scrollTop = (pointer.clientY - map.getBoundingClientRect().top) / scale - scroller.clientHeight / 2;
  };
  map.onpointerdown = (pointer) => { dragging = true; map.setPointerCapture(pointer.pointerId); toMap(pointer); };
  map.onpointermove = (pointer) => { if (dragging) toMap(pointer); };
  map.onpointerup = map.onpointercancel = () => { dragging = false; };
  const refresh = () => { applyTheme(); measure(); drawHead(); drawLegend(); describe(); showPosition(); redraw("all"); };
  systemDark.addEventListener("change", refresh);
  let size = "";
  const resized = () => {
    const now = scroller.clientWidth + " " + scroller.clientHeight;
    if (now !== size) { size = now; refresh(); }
  };
  new ResizeObserver(() => requestAnimationFrame(resized)).observe(scroller);

  // ---------------------------------------------------------------- what does not change
  const drawLegend = () => {
    const legend = $("legend");
    legend.textContent = "";
    const entry = (className, name, text) => {
      const sign = make("i", className);
      if (className !== "bolt") sign.style.background = colour(name);
      legend.append(add(make("span"), sign, text));
    };
    for (const state of KNOWN_STATES) entry("sw", stateVariable(state), state);
    entry("ln", "--chain", "causal chain");
    entry("ln", "--accent", "causes of the selected event");
    entry("ln", "--effect", "its effects");
    entry("bolt", "", "fault injected");
    for (const kind of new Set(lanes.map((lane) => lane.kind))) entry("dot", "--" + kind, kind);
    if (containers.size > bands.length) legend.append(make("span", "", "The first " + bands.length + " of " + number(containers.size) + " containers have a band."));
  };
  const facts = () => {
    $("scenario").textContent = run.scenario || "A run";
    const put = (name, value) => $("facts").append(add(make("div"), make("dt", "", name), make("dd", "", value)));
    if (run.seed !== null) put("seed", run.seed);
    if (run.strategy) put("strategy", run.strategy);
    put("events", number(count));
    put("virtual time", duration(count ? events[count - 1].time : 0));
    const faults = run.remarks.filter(([, kind]) => kind === "fault").length;
    put("faults", number(faults));
    const verdict = $("verdict");
    if (run.verdict) {
      verdict.className = "bad";
      add(verdict, make("span", "oracle", run.verdict.oracle + " violated"), make("span", "", run.verdict.message));
      if (run.verdict.finding) verdict.append(make("span", "known", "known finding " + run.verdict.finding));
    } else verdict.textContent = "No violation.";
    $("violation").disabled = alarm < 0;
    $("fault").disabled = !faults;
    $("state").disabled = !run.states.length;
    const table = make("table");
    for (const [names, what] of KEYS) {
      const cell = make("td");
      for (const key of names.split(" ")) cell.append(make("kbd", "", key), " ");
      table.append(add(make("tr"), cell, make("td", "", what)));
    }
    $("help").append(table);
  };

  facts();
  applyTheme();
  layOut();
  showMode();
  refresh();
  if (["chain", "found"].includes(options.get("show"))) mode = options.get("show");
  if (options.get("search")) { $("search").value = options.get("search"); search(options.get("search")); }
  if (mode !== "all") setMode(mode);
  const wanted = options.has("event") ? at(Number(options.get("event"))) : alarm >= 0 ? alarm : chain.length ? chain[chain.length - 1] : count ? 0 : -1;
  if (wanted >= 0) { select(wanted); reveal(wanted, wanted === alarm ? .8 : .5); }
  scroller.focus({ preventScroll: true });
})();
