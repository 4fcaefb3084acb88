"use strict";
// What a report does by itself: look, tables and figures to take away, numbers beside the
// pointer, the model to turn and the run to play. It asks nothing of any network.
(() => {
  const $ = (query, from) => (from || document).querySelector(query);
  const all = (query, from) => [...(from || document).querySelectorAll(query)];
  const data = (id) => { const e = document.getElementById(id); return e ? JSON.parse(e.textContent) : null; };
  const make = (tag, props, ...inside) => { const e = Object.assign(document.createElement(tag), props); e.append(...inside); return e; };
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  // --- light and dark ---------------------------------------------------------------
  const root = document.documentElement;
  const isDark = () => root.dataset.look ? root.dataset.look === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const look = $("#look");
  const repainted = [];
  look.hidden = false;
  look.addEventListener("click", () => { root.dataset.look = isDark() ? "light" : "dark"; repainted.forEach((f) => f()); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => repainted.forEach((f) => f()));

  // --- files ------------------------------------------------------------------------
  function save(name, content, type) {
    const url = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
    make("a", { href: url, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  }
  const field = (v) => /[",\n;]/.test(v) ? `"${v.replaceAll('"', '""')}"` : v;
  const csv = (rows) => "\ufeff" + rows.map((r) => r.map((v) => field(String(v ?? ""))).join(",")).join("\n") + "\n";
  const button = (text, label, action) => {
    const b = make("button", { type: "button", className: "take", textContent: text });
    b.setAttribute("aria-label", label);
    b.addEventListener("click", action);
    return b;
  };
  const nameOf = (e, what) => {
    const h = e.closest("section") && $("h2", e.closest("section"));
    const title = e.dataset.name || (h ? h.textContent : "table");
    return title.trim().replace(/[^\p{L}\p{N}.]+/gu, "-").replace(/^-|-$/g, "") + what;
  };
  all("table").forEach((table, k) => {
    const rows = () => all("tr", table).map((tr) => [...tr.children].map((c) => c.textContent.trim().replace(/^−(?=\d)/, "-").replace(/^–$/, "")));
    const bar = make("p", { className: "takes" }, button("CSV", "Download this table as CSV", () => save(nameOf(table, `-${k + 1}.csv`), csv(rows()), "text/csv")));
    table.closest(".scroll").after(bar);
  });
  all(".scroll").forEach((box) => { // what is beyond its edge fades there
    const more = () => box.classList.toggle("more", box.scrollWidth - box.clientWidth - box.scrollLeft > 4);
    box.addEventListener("scroll", more); addEventListener("resize", more); more();
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
  });

  all("pre[data-file]").forEach((pre) => pre.before(make("p", { className: "takes" },
    button(pre.dataset.file, `Download ${pre.dataset.file}`, () => save(pre.dataset.file, pre.textContent, "text/plain")))));
  addEventListener("beforeprint", () => all("details").forEach((d) => { d.open = true; }));

  // --- figures ----------------------------------------------------------------------
  const nearest = (xs, x) => { let best = -1, least = Infinity; for (let k = 0; k < xs.length; k++) { const d = Math.abs(xs[k] - x); if (xs[k] !== null && d < least) { least = d; best = k; } } return best; };
  const at = (axis, t) => axis.log ? axis.from * (axis.to / axis.from) ** t : axis.from + t * (axis.to - axis.from);
  const place = (axis, v) => axis.log ? Math.log(v / axis.from) / Math.log(axis.to / axis.from) : (v - axis.from) / (axis.to - axis.from);
  const number = (v) => v === null ? "–" : Number(v.toPrecision(4)).toString().replace("-", "−");

  function figure(box) {
    const panels = data(box.dataset.panels), svg = $("svg", box), told = $(".told", box);
    const layer = make("div", { className: "layer" });
    $(".plot", box).append(layer);
    let current = null;
    const hide = () => { layer.replaceChildren(); told.hidden = true; current = null; };
    function show(fx, fy) {
      layer.replaceChildren();
      const bar = panels.flatMap((p) => p.bars).find((b) => fx >= b.box[0] && fx <= b.box[2] && fy >= b.box[1] - .01 && fy <= b.box[3] + .01);
      if (bar) { tell([[bar.label, number(bar.value), ""]], "", fx); return; }
      const here = panels.filter((p) => p.lines.length && fx >= p.box[0] && fx <= p.box[2] && fy >= p.box[1] && fy <= p.box[3]);
      if (!here.length) { hide(); return; }
      const rows = [];
      const first = here[0], x = at(first.x, (fx - first.box[0]) / (first.box[2] - first.box[0]));
      for (const p of here) for (const line of p.lines) {
        const k = nearest(line.x, x);
        if (k < 0 || line.y[k] === null) continue;
        const px = p.box[0] + place(p.x, line.x[k]) * (p.box[2] - p.box[0]);
        const py = p.box[3] - place(p.y, line.y[k]) * (p.box[3] - p.box[1]);
        if (py >= p.box[1] - .005 && py <= p.box[3] + .005) {
          const dot = make("i", { className: "dot" });
          dot.style.cssText = `left:${100 * px}%;top:${100 * py}%;background:${line.color}`;
          layer.append(dot);
        }
        rows.push([line.label || p.y.label || p.title, number(line.y[k]), line.color]);
      }
      const rule = make("i", { className: "rule" });
      rule.style.cssText = `left:${100 * fx}%;top:${100 * first.box[1]}%;height:${100 * (first.box[3] - first.box[1])}%`;
      layer.append(rule);
      current = [fx, fy];
      tell(rows, `${first.title ? first.title + ", " : ""}${first.x.label || "x"} ${number(x)}`, fx);
    }
    function tell(rows, head, fx) {
      told.replaceChildren(make("b", { textContent: head }), ...rows.slice(0, 14).map(([label, value, color]) => {
        const mark = make("i", { className: "mark" }); mark.style.background = color || "transparent";
        return make("span", {}, mark, `${label} `, make("strong", { textContent: value }));
      }));
      told.hidden = false;
      told.style.left = fx < .5 ? "auto" : "0"; told.style.right = fx < .5 ? "0" : "auto";
    }
    const plot = $(".plot", box);
    const fraction = (e) => { const r = svg.getBoundingClientRect(); return [(e.clientX - r.left) / r.width, (e.clientY - r.top) / r.height]; };
    plot.addEventListener("pointermove", (e) => show(...fraction(e)));
    plot.addEventListener("pointerdown", (e) => show(...fraction(e)));
    plot.addEventListener("pointerleave", hide);
    plot.addEventListener("keydown", (e) => {
      const p = panels.filter((q) => q.lines.length);
      if (!p.length || !e.key.startsWith("Arrow")) { if (e.key === "Escape") hide(); return; }
      e.preventDefault();
      let [fx, fy] = current || [p[0].box[0], (p[0].box[1] + p[0].box[3]) / 2];
      let k = Math.max(0, p.findIndex((q) => fx >= q.box[0] && fx <= q.box[2] && fy >= q.box[1] && fy <= q.box[3]));
      if (e.key === "ArrowUp" || e.key === "ArrowDown") { k = (k + (e.key === "ArrowDown" ? 1 : p.length - 1)) % p.length; fx = p[k].box[0]; fy = (p[k].box[1] + p[k].box[3]) / 2; }
      else fx = Math.min(p[k].box[2], Math.max(p[k].box[0], fx + (e.key === "ArrowRight" ? 1 : -1) * (p[k].box[2] - p[k].box[0]) / (e.shiftKey ? 20 : 100)));
      show(fx, fy);
    });
    const source = () => {
      const copy = svg.cloneNode(true), [, , w, h] = svg.getAttribute("viewBox").split(/\s+/).map(Number);
      copy.setAttribute("xmlns", "http://www.w3.org/2000/svg"); copy.setAttribute("width", w * 4 / 3); copy.setAttribute("height", h * 4 / 3);
      return [new XMLSerializer().serializeToString(copy), w, h];
    };
    const points = () => [["panel", "curve", "x", "y", "of"], ...panels.flatMap((p) => [
      ...p.lines.flatMap((l) => l.x.map((x, k) => [p.title || p.y.label, l.label || p.y.label, x, l.y[k], box.dataset.of])),
      ...p.bars.map((b) => [p.title || p.x.label, b.label, b.value, "", box.dataset.of])])];
    const picture = () => {
      const [text, w, h] = source(), image = new Image(), url = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
      image.onload = () => {
        const canvas = make("canvas", { width: Math.round(w * 4), height: Math.round(h * 4) }), c = canvas.getContext("2d");
        c.fillStyle = "#fff"; c.fillRect(0, 0, canvas.width, canvas.height); c.drawImage(image, 0, 0, canvas.width, canvas.height);
        URL.revokeObjectURL(url);
        canvas.toBlob((blob) => save(nameOf(box, ".png"), blob));
      };
      image.src = url;
    };
    $(".takes", box).append(
      button("SVG", "Download this figure as SVG", () => save(nameOf(box, ".svg"), source()[0], "image/svg+xml")),
      button("PNG", "Download this figure as PNG", picture),
      button("Data", "Download what this figure shows as CSV", () => save(nameOf(box, ".csv"), csv(points()), "text/csv")));
  }
  all("figure[data-panels]").forEach(figure);

  // --- the model --------------------------------------------------------------------
  const COLORS = { Li: "#9467bd", In: "#86706b", S: "#d8b400", P: "#ff8000", Cl: "#2ca02c", O: "#e0312f", Ge: "#668f8f", Al: "#b2a2a2", N: "#3050f8", C: "#606060", H: "#dddddd", F: "#6fce4a", Na: "#ab5cf2", Ag: "#a9b3bd", Cu: "#c88033", Si: "#c9a678", Ti: "#9aa0a6", La: "#5ab0d6", Zr: "#63b5b5", B: "#f2a0a0", Br: "#a62929", I: "#940094", Mg: "#6cbf00", Zn: "#7d80b0", Ni: "#50a050", Co: "#d07090", Mn: "#9c7ac7", Fe: "#c06030", Sn: "#668080", Ga: "#b08080" };
  const SPARE = ["#1f77b4", "#e377c2", "#8c564b", "#17becf", "#bcbd22", "#7f7f7f"];
  const SIZES = { H: .31, Li: 1.0, C: .76, N: .71, O: .66, F: .57, P: 1.07, S: 1.05, Cl: 1.02, B: .84, In: 1.42, Ge: 1.2, Al: 1.21, Ag: 1.45, Cu: 1.32, Na: 1.4 };
  const COVALENT = new Set(["H", "B", "C", "N", "O", "F", "P", "S", "Ge"]);
  const PHASES = ["#3f7cc4", "#d9822b", "#3c9d6d", "#a05fb4"];
  const BRIGHT = "#d6006c", OLD = "#e8a13a", PLANE = "#2f9e77", BALL = .5;

  function decoded(film, atoms) {
    if (!film) return null;
    const raw = atob(film.positions), bytes = new Uint8Array(raw.length);
    for (let k = 0; k < raw.length; k++) bytes[k] = raw.charCodeAt(k);
    const whole = new Uint16Array(bytes.buffer);
    return { ...film, frame: (n) => {
      const x = [];
      for (let a = 0; a < atoms; a++) { const i = 3 * (n * atoms + a); x.push([0, 1, 2].map((c) => film.low[c] + film.step * whole[i + c])); }
      return x;
    } };
  }

  function inverse(m) {
    const [[a, b, c], [d, e, f], [g, h, i]] = m, det = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
    return [[e * i - f * h, c * h - b * i, b * f - c * e], [f * g - d * i, a * i - c * g, c * d - a * f], [d * h - e * g, b * g - a * h, a * e - b * d]].map((r) => r.map((v) => v / det));
  }

  // 3Dmol makes a viewer even where nothing can draw; and smooth edges cost a machine
  // without a graphics card half of every picture's time
  function viewerIn(screen) {
    const gl = make("canvas").getContext("webgl"), told = gl && gl.getExtension("WEBGL_debug_renderer_info");
    if (!gl) return null;
    const inSoftware = /swiftshader|llvmpipe|software/i.test(told ? gl.getParameter(told.UNMASKED_RENDERER_WEBGL) : "");
    gl.getExtension("WEBGL_lose_context")?.loseContext();
    try { return $3Dmol.createViewer(screen, { backgroundColor: css("--stage"), antialias: !inSoftware, disableFog: true }); } catch (error) { return null; }
  }

  function stage(box) {
    const scenes = data("scenes"), status = $(".status", box), screen = $(".screen", box);
    const pick = $("select[name=scene]", box), state = $("select[name=state]", box), paint = $("select[name=paint]", box);
    const play = $("button.play", box), slider = $("input[type=range]", box);
    let model, scene, film, timer = 0, pair = "", atoms = [], shapes = [], begun = null, back, wide;
    const viewer = viewerIn(screen);
    if (!viewer) {
      box.classList.add("without");
      all("button.pair").forEach((b) => { b.disabled = true; b.title = ""; });
      const still = $(".card img");
      if (still) status.before(Object.assign(still.cloneNode(), { className: "still" }));
      status.textContent = `This browser has no WebGL, so that the model cannot be turned${still ? "; this is its picture" : ""}.`;
      return;
    }
    const xyz = ([x, y, z]) => ({ x, y, z });
    const color = (s) => COLORS[s] || SPARE[scene.elements.indexOf(s) % SPARE.length];

    function style() {
      scene.elements.forEach((s) => model.setStyle({ elem: s }, { sphere: { radius: BALL * (SIZES[s] || 1.2), color: color(s) } }));
      if (paint.value === "phase" && scene.phases.length)
        scene.phaseNames.forEach((_, k) => scene.elements.forEach((s) => model.setStyle({ elem: s, chain: String(k) }, { sphere: { radius: BALL * (SIZES[s] || 1.2), color: PHASES[k % PHASES.length] } })));
    }
    function apart(from, to) { // to the nearest image
      const d = [0, 1, 2].map((c) => to[c] - from[c]), m = scene.cell;
      const n = [0, 1, 2].map((c) => Math.round(d[0] * back[0][c] + d[1] * back[1][c] + d[2] * back[2][c]));
      return [0, 1, 2].map((c) => d[c] - n[0] * m[0][c] - n[1] * m[1][c] - n[2] * m[2][c]);
    }
    function bonded(x, name) {
      const [one, two] = name.split("-"), reach = scene.bonds[name], found = [];
      for (let i = 0; i < x.length; i++) {
        if (scene.elements[scene.species[i]] !== one) continue;
        for (let j = 0; j < x.length; j++) {
          if (scene.elements[scene.species[j]] !== two || (one === two && j <= i)) continue;
          const v = apart(x[i], x[j]);
          for (const t of around(reach)) { // in a small cell a pair is bonded more than once
            const w = v.map((c, k) => c + t[k]);
            if (w[0] ** 2 + w[1] ** 2 + w[2] ** 2 < reach ** 2) found.push([i, j, w]);
          }
        }
      }
      return found;
    }
    function around(reach) { // translations beside the nearest image that may be in reach
      const [a, b, c] = scene.cell, long = (v) => Math.hypot(...v);
      const steps = (v) => long(v) < 2 * reach ? [-1, 0, 1] : [0];
      return steps(a).flatMap((i) => steps(b).flatMap((j) => steps(c).map((l) => [0, 1, 2].map((k) => i * a[k] + j * b[k] + l * c[k]))));
    }
    function drawBonds(x) {
      shapes.forEach((s) => viewer.removeShape(s));
      shapes = [];
      sticks(grouped(x), x, css("--cell"), .07);
      if (!pair || !(pair in scene.bonds)) return 0;
      const found = bonded(x, pair), old = ([i, j]) => begun.has(`${i} ${j}`);
      sticks(found.filter(old), x, OLD, .12);
      sticks(found.filter((b) => !old(b)), x, BRIGHT, .18);
      return found.length;
    }
    function sticks(bonds, x, color, radius) {
      if (!bonds.length) return;
      const shape = viewer.addShape({ color });
      // each half at its own atom: bonds cross the cell's border
      for (const [i, j, v] of bonds) for (const [from, sign] of [[x[i], 1], [x[j], -1]])
        shape.addCylinder({ start: xyz(from), end: xyz(from.map((c, k) => c + sign * v[k] / 2)), radius, color, fromCap: 1, toCap: 1 });
      shapes.push(shape);
    }
    function grouped(x) { // bonds inside polyanions and molecules, which show what is whole
      const found = [], size = scene.species.map((s) => COVALENT.has(scene.elements[s]) ? SIZES[scene.elements[s]] : 0);
      for (let i = 0; i < x.length; i++) if (size[i]) for (let j = i + 1; j < x.length; j++) {
        if (!size[j]) continue;
        const v = apart(x[i], x[j]), reach = 1.18 * (size[i] + size[j]);
        if (v[0] ** 2 + v[1] ** 2 + v[2] ** 2 < reach ** 2) found.push([i, j, v]);
      }
      return found;
    }
    function positions() {
      if (state.value === "run") return film.frame(+slider.value);
      return scene.models[state.value];
    }
    function draw() {
      const x = positions();
      atoms.forEach((a, i) => { [a.x, a.y, a.z] = x[i]; });
      style();
      const n = drawBonds(x);
      viewer.render();
      const time = state.value === "run" ? film.times_ps[+slider.value] : null;
      const parts = [state.value === "run" ? (time === null ? `frame ${+slider.value + 1}` : `${time.toFixed(3)} ps`) : `${state.value} model`, `${atoms.length} atoms`];
      if (pair) parts.push(`${n} ${pair.replace("-", "–")} ${n === 1 ? "distance" : "distances"} below ${scene.bonds[pair].toFixed(2)} Å`);
      status.textContent = parts.join(" · ");
      box.dataset.bonds = pair ? n : "";
      slider.setAttribute("aria-valuetext", parts[0]);
    }
    function frameBox() {
      const [a, b, c] = scene.cell, add = (...v) => [0, 1, 2].map((k) => v.reduce((s, w) => s + w[k], 0)), o = [0, 0, 0];
      const edges = viewer.addShape({ color: css("--cell") });
      for (const [from, along] of [[o, a], [o, b], [o, c], [a, b], [a, c], [b, a], [b, c], [c, a], [c, b], [add(a, b), c], [add(a, c), b], [add(b, c), a]])
        edges.addCylinder({ start: xyz(from), end: xyz(add(from, along)), radius: .05, color: css("--cell") });
      for (const z of scene.planes) {
        const up = [0, 0, z], corner = [up, add(up, a), add(up, a, b), add(up, b)].map(xyz);
        viewer.addCustom({ vertexArr: [...corner, ...corner], faceArr: [0, 1, 2, 0, 2, 3, 6, 5, 4, 7, 6, 4], normalArr: [...corner.map(() => xyz([0, 0, 1])), ...corner.map(() => xyz([0, 0, -1]))], color: PLANE, alpha: .28, opacity: .28 });
        const rim = viewer.addShape({ color: PLANE }); // a plane seen from its edge is none
        corner.forEach((from, k) => rim.addCylinder({ start: from, end: corner[(k + 1) % 4], radius: .12, color: PLANE, fromCap: 2, toCap: 2 }));
      }
    }
    function fit() { // what makes the cell fill the screen; not exact, for the perspective
      const [a, b, c] = scene.cell, corners = [0, 1, 2, 3, 4, 5, 6, 7].map((n) => xyz([0, 1, 2].map((k) => (n & 1 ? a[k] : 0) + (n & 2 ? b[k] : 0) + (n & 4 ? c[k] : 0))));
      const at = viewer.modelToScreen(corners), span = (axis) => Math.max(...at.map((p) => p[axis])) - Math.min(...at.map((p) => p[axis]));
      return .92 * Math.min(screen.clientWidth / span("x"), screen.clientHeight / span("y"));
    }
    const lies = () => screen.clientWidth > 1.25 * screen.clientHeight;
    function room() { // a long cell that lies needs no high pane
      screen.style.height = "";
      const [a, b, c] = scene.cell.map((v) => Math.hypot(...v)), low = 1.8 * screen.clientWidth * Math.max(a, b) / c;
      if (lies() && low < screen.clientHeight) screen.style.height = `${Math.round(Math.max(low, 220))}px`;
      viewer.resize();
    }
    function turn() {
      viewer.setView([0, 0, 0, 0, 0, 0, 0, 1]);
      wide = lies();
      viewer.rotate(-90, "vx");
      if (wide) viewer.rotate(-90, "vz");
      viewer.rotate(9, "vy"); viewer.rotate(9, "vx");
      viewer.zoomTo();
      for (let k = 0; k < 2; k++) { viewer.render(); viewer.zoom(fit()); } // zoomTo takes the cell for a ball
    }
    function open() {
      stop();
      scene = scenes[pick.selectedIndex];
      film = decoded(scene.film, scene.species.length);
      viewer.removeAllModels(); viewer.removeAllShapes(); shapes = [];
      back = inverse(scene.cell);
      const names = [...Object.keys(scene.models), ...(film ? ["run"] : [])];
      state.replaceChildren(...names.map((n) => make("option", { value: n, textContent: n })));
      state.value = names.includes("run") ? "run" : names.at(-1);
      slider.max = film ? film.shown - 1 : 0; slider.value = 0;
      begun = new Set();
      model = viewer.addModel();
      const x = positions();
      model.addAtoms(scene.species.map((s, i) => ({ elem: scene.elements[s], x: x[i][0], y: x[i][1], z: x[i][2], bonds: [], bondOrder: [], serial: i, chain: String(scene.phases[i] ?? ""), properties: {} })));
      atoms = model.selectedAtoms({});
      frameBox();
      paint.disabled = !scene.phases.length;
      if (pair && !(pair in scene.bonds)) choose("");
      legend(); running(); begin(); draw(); room(); turn(); viewer.render();
      $(".thinned", box).textContent = film && film.shown < film.frames ? `${film.shown} of the run's ${film.frames} frames are in this page; all are in trajectories/.` : "";
      box.dataset.ready = scene.name;
    }
    function begin() {
      begun = new Set(pair && pair in scene.bonds ? bonded(film ? film.frame(0) : Object.values(scene.models)[0], pair).map(([i, j]) => `${i} ${j}`) : []);
    }
    function legend() {
      const shown = paint.value === "phase" && scene.phases.length ? scene.phaseNames.map((n, k) => [n, PHASES[k % PHASES.length]]) : scene.elements.map((s) => [s, color(s)]);
      if (scene.planes.length) shown.push([scene.planes.length > 1 ? "interfaces" : "interface", PLANE]);
      if (pair) shown.push([`${pair.replace("-", "–")} from the start`, OLD], [`${pair.replace("-", "–")} new`, BRIGHT]);
      $(".key", box).replaceChildren(...shown.map(([name, c]) => { const i = make("i", { className: "mark" }); i.style.background = c; return make("span", {}, i, name); }));
    }
    function running() { const on = state.value === "run"; play.disabled = slider.disabled = !on; if (!on) stop(); }
    function stop() { clearTimeout(timer); timer = 0; play.textContent = "▶ Play"; play.setAttribute("aria-pressed", "false"); }
    function go() {
      if (timer) { stop(); return; }
      if (+slider.value >= +slider.max) slider.value = 0;
      play.textContent = "❚❚ Pause"; play.setAttribute("aria-pressed", "true");
      const from = +slider.value, began = performance.now();
      const next = () => { // by the clock: a slow machine shows fewer frames, not a slower run
        slider.value = Math.min(+slider.max, Math.max(+slider.value + 1, from + Math.floor((performance.now() - began) / 40)));
        draw();
        if (+slider.value >= +slider.max) stop(); else timer = setTimeout(next, 25);
      };
      timer = setTimeout(next, 25);
    }
    function choose(name) {
      pair = name;
      all("button.pair").forEach((b) => b.setAttribute("aria-pressed", String(b.dataset.pair === name && +b.dataset.scene === pick.selectedIndex)));
    }
    all("button.pair").forEach((b) => b.addEventListener("click", () => {
      const on = b.getAttribute("aria-pressed") === "true";
      if (+b.dataset.scene !== pick.selectedIndex) { pick.selectedIndex = +b.dataset.scene; open(); }
      choose(on ? "" : b.dataset.pair);
      begin(); legend(); draw();
    }));
    pick.replaceChildren(...scenes.map((s) => make("option", { textContent: s.name })));
    pick.closest("label").hidden = scenes.length < 2;
    pick.addEventListener("change", () => { choose(""); open(); });
    state.addEventListener("change", () => { running(); draw(); });
    paint.addEventListener("change", () => { legend(); draw(); });
    slider.addEventListener("input", () => { stop(); draw(); });
    play.addEventListener("click", go);
    $("button.home", box).addEventListener("click", () => { turn(); viewer.render(); });
    $("button.shot", box).addEventListener("click", () => { viewer.render(); make("a", { href: viewer.pngURI(), download: nameOf(box, "") + scene.name.replace(/\W+/g, "-") + ".png" }).click(); });
    let awake = false; // the wheel scrolls the page until the model was touched
    screen.addEventListener("pointerdown", () => { awake = true; }, true);
    screen.addEventListener("pointerleave", () => { awake = false; });
    screen.addEventListener("wheel", (e) => { if (!awake && !e.ctrlKey) e.stopImmediatePropagation(); }, true);
    screen.addEventListener("keydown", (e) => {
      const turns = { ArrowLeft: [-8, "vy"], ArrowRight: [8, "vy"], ArrowUp: [-8, "vx"], ArrowDown: [8, "vx"] };
      if (turns[e.key]) viewer.rotate(...turns[e.key]);
      else if (e.key === "+" || e.key === "=") viewer.zoom(1.15);
      else if (e.key === "-") viewer.zoom(1 / 1.15);
      else if (e.key === " ") { if (!play.disabled) go(); }
      else return;
      e.preventDefault(); viewer.render();
    });
    repainted.push(() => { viewer.setBackgroundColor(css("--stage")); viewer.removeAllShapes(); shapes = []; frameBox(); draw(); });
    addEventListener("resize", () => { room(); if (wide !== lies()) { turn(); viewer.render(); } });
    open();
    const first = $("button.pair[data-scene='0']");
    if (first) first.click();
  }
  const box = $("#stage");
  const ready = (what) => { document.documentElement.dataset[what] = Math.round(performance.now()); };
  ready("interactive");
  // the model last: the page is read and used while the browser sets up its WebGL
  requestAnimationFrame(() => setTimeout(() => { if (box) stage(box); ready("ready"); }));
})();
