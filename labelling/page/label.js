"use strict";

const STRIP = 4; // frames shown on either side of the current one
const AHEAD = 6; // frames loaded before they are asked for
const COLOURS = 8;
const byId = (id) => document.getElementById(id);
const element = (tag, attributes = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
};

class Page {
  constructor(job) {
    this.job = job;
    this.times = job.frames.map(([time]) => time);
    this.marks = job.frames.map(([, labels, uncertain]) => ({ labels, uncertain }));
    this.indices = new Map(this.times.map((time, index) => [time, index]));
    this.suggestions = new Map();
    this.storage = `screen-time-page:${job.id}:`;
    this.undos = JSON.parse(sessionStorage.getItem(this.storage + "undos") ?? "[]");
    this.classes = this.#classes();
    this.queue = new Queue(job.id, () => this.#showSaved());
    for (const mark of this.queue.marks) {
      const index = this.indices.get(mark.time_ms);
      if (index !== undefined) this.marks[index] = { labels: mark.labels, uncertain: mark.uncertain };
    }
    this.at = this.#start();
    this.#build();
    this.show();
    this.#showSaved();
    if (job.model) this.#fetchSuggestions();
  }

  /* Where the last visit ended; else the first frame that is not labelled. */
  #start() {
    const last = this.indices.get(Number(localStorage.getItem(this.storage + "at") ?? NaN));
    return last ?? Math.max(0, this.marks.findIndex((mark) => mark.labels === null));
  }

  /* Each class with its digit and, where it is free, a letter of its name; nobody is 0. */
  #classes() {
    const taken = new Set();
    const letter = (name) => {
      const free = [...name.toLowerCase()].find((each) => /^\p{Letter}$/u.test(each) && !taken.has(each));
      if (free) taken.add(free);
      return free ?? null;
    };
    const classes = this.job.characters.map((name, index) => ({
      name, labels: [name], digit: index < 9 ? String(index + 1) : null, letter: letter(name), colour: index % COLOURS,
    }));
    if (this.job.nobody !== null) {
      classes.unshift({ name: this.job.nobody, labels: [], digit: "0", letter: letter(this.job.nobody), colour: null });
    }
    return classes;
  }

  /* ---- what the frames are -------------------------------------------------------------------------------------- */

  /* What Enter would accept: the model's suggestion, else what the frame before shows. */
  proposal(index = this.at) {
    const suggestion = this.suggestions.get(index);
    if (suggestion) return { labels: suggestion.labels, by: this.job.model };
    const before = index > 0 ? this.marks[index - 1].labels : null;
    return before === null ? null : { labels: before, by: null };
  }

  set(index, mark) {
    const before = this.marks[index];
    this.undos.push([index, before, this.at]);
    if (this.undos.length > 1000) this.undos.shift();
    sessionStorage.setItem(this.storage + "undos", JSON.stringify(this.undos));
    this.#put(index, mark);
  }

  #put(index, mark) {
    this.marks[index] = mark;
    this.queue.push({ time_ms: this.times[index], labels: mark.labels, uncertain: mark.uncertain });
  }

  /* ---- what a person does --------------------------------------------------------------------------------------- */

  /* `shift` does what the plain key does not: with one character a frame it adds another, with several it is the only one. */
  choose(chosen, shift) {
    const mark = this.marks[this.at];
    if (this.job.several === shift) {
      this.set(this.at, { ...mark, labels: chosen.labels });
      this.go(this.at + 1, true);
      return;
    }
    // Switched on or off in what is labelled, or else in what the model suggests.
    const suggested = this.suggestions.has(this.at) ? this.suggestions.get(this.at).labels : [];
    const now = new Set(mark.labels ?? suggested);
    if (!chosen.labels.length) now.clear();
    else if (now.has(chosen.name)) now.delete(chosen.name);
    else now.add(chosen.name);
    if (!now.size && this.job.nobody === null) {
      this.say("This file has no class for a frame without characters.");
      return;
    }
    this.set(this.at, { ...mark, labels: [...now].sort() });
    this.show();
  }

  accept() {
    const mark = this.marks[this.at];
    if (mark.labels === null) {
      const proposal = this.proposal();
      if (proposal === null || (!proposal.labels.length && this.job.nobody === null)) {
        this.say("Nothing is suggested for this frame; press a character's key.");
        return;
      }
      this.set(this.at, { ...mark, labels: proposal.labels });
    }
    this.go(this.at + 1, true);
  }

  undo() {
    const last = this.undos.pop();
    if (last === undefined) {
      this.say("There is nothing to undo.");
      return;
    }
    const [index, mark, at] = last;
    sessionStorage.setItem(this.storage + "undos", JSON.stringify(this.undos));
    this.#put(index, mark);
    this.go(at);
    this.say("Undone.");
  }

  clear() {
    if (this.marks[this.at].labels !== null || this.marks[this.at].uncertain) {
      this.set(this.at, { labels: null, uncertain: false });
    }
    this.show();
  }

  uncertain() {
    const mark = this.marks[this.at];
    // A frame that is left out needs a label too, or its row would say nothing.
    const labels = mark.labels ?? this.proposal()?.labels ?? (this.job.nobody === null ? [this.job.characters[0]] : []);
    this.set(this.at, { labels, uncertain: !mark.uncertain });
    this.show();
  }

  unlabelled() {
    const open = (index) => this.marks[index].labels === null;
    const order = this.times.map((_, step) => (this.at + 1 + step) % this.times.length);
    this.#jump(order.find(open));
  }

  doubtful() {
    const open = [...this.suggestions].filter(([index]) => this.marks[index].labels === null && index !== this.at);
    if (!open.length && !this.suggestions.size) {
      this.say("No model suggests anything, so none is uncertain.");
      return;
    }
    open.sort(([, one], [, other]) => one.margin - other.margin);
    this.#jump(open[0]?.[0]);
  }

  #jump(index) {
    if (index === undefined) this.say("Every frame is labelled.");
    else this.go(index);
  }

  go(index, forward = false) {
    if (forward && index === this.times.length) {
      const left = this.marks.filter((mark) => mark.labels === null).length;
      this.say(left ? `The last frame; ${left} before it are not labelled yet.` : "Every frame is labelled.");
    }
    this.at = Math.min(Math.max(0, index), this.times.length - 1);
    localStorage.setItem(this.storage + "at", String(this.times[this.at]));
    this.show();
  }

  /* ---- what a person sees --------------------------------------------------------------------------------------- */

  #build() {
    document.title = `${this.job.title} – label frames – screen-time`;
    byId("title").textContent = this.job.title;
    byId("title").title = this.job.id;
    this.chips = this.classes.map((each) => {
      const keys = [each.digit, each.letter].filter(Boolean).map((key) => element("kbd", {}, key));
      const chip = element("button", { type: "button", class: "chip", "aria-pressed": "false", "data-colour": each.colour ?? "none" },
        element("span", { class: "name" }, each.name), element("span", { class: "probability" }), ...keys);
      chip.addEventListener("click", (event) => this.choose(each, event.shiftKey));
      return chip;
    });
    byId("classes").append(...this.chips);
    byId("position").max = String(this.times.length - 1);
    byId("position").addEventListener("input", (event) => this.go(Number(event.target.value)));
    for (const button of document.querySelectorAll("[data-command]")) {
      button.addEventListener("click", () => this.command(button.dataset.command));
    }
    byId("help-open").addEventListener("click", () => byId("help").showModal());
    this.#buildHelp();
    document.addEventListener("keydown", (event) => this.#key(event));
    // A button that was clicked would keep the focus, and take the next Enter for itself.
    document.addEventListener("click", (event) => event.detail > 0 && document.activeElement?.blur());
    new ResizeObserver(() => this.#drawMap()).observe(byId("overview"));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#drawMap());
  }

  #buildHelp() {
    const row = (keys, what) => [
      element("dt", {}, ...keys.map((key) => element("kbd", {}, key))), element("dd", {}, what),
    ];
    const several = this.job.several;
    byId("keys").append(
      ...row(["Enter", "Space"], "accept what is suggested, and go on"),
      ...this.classes.flatMap((each) =>
        row([each.digit, each.letter].filter(Boolean), several ? `${each.name}: on or off` : `${each.name}, and go on`)),
      ...row(["Shift + key"], several ? "this one only, and go on" : "one more character in the same frame"),
      ...row(["←", "→", "Home", "End"], "previous, next, first, last frame"),
      ...row(["."], "next frame that is not labelled"),
      ...row([","], "the frame that the model is least certain of"),
      ...row(["Backspace", "Ctrl + Z"], "undo"),
      ...row(["-"], "cannot tell: leave the frame out of training"),
      ...row(["Delete"], "clear the frame"),
    );
  }

  show() {
    const mark = this.marks[this.at];
    const time = this.times[this.at];
    const proposal = mark.labels === null ? this.proposal() : null;
    const shown = mark.labels ?? proposal?.labels ?? null;
    byId("frame").src = `/frames/${time}`;
    byId("frame").alt = `Frame at second ${time / 1000}`;
    byId("frame").dataset.mark = mark.labels !== null ? "labelled" : proposal?.by ? "suggested" : "open";
    byId("time").textContent = `second ${time / 1000}, frame ${this.at + 1} of ${this.times.length}`;
    byId("origin").textContent = this.#origin(mark, proposal);
    this.classes.forEach((each, index) => this.#showChip(this.chips[index], each, mark.labels, shown));
    byId("uncertain").setAttribute("aria-pressed", String(mark.uncertain));
    byId("position").value = String(this.at);
    byId("position").setAttribute("aria-valuetext", `second ${time / 1000}`);
    const done = this.marks.filter((each) => each.labels !== null).length;
    byId("progress").textContent = `${done} of ${this.times.length} labelled`;
    this.#showStrip();
    this.#drawMap();
    for (let step = 1; step <= AHEAD && this.at + step < this.times.length; step++) {
      new Image().src = `/frames/${this.times[this.at + step]}`;
    }
  }

  #origin(mark, proposal) {
    if (mark.labels !== null) return mark.uncertain ? "labelled, left out of training" : "labelled";
    if (proposal === null) return "not labelled";
    return proposal.by ? `suggested by ${proposal.by}` : "as the frame before";
  }

  #showChip(chip, each, labels, shown) {
    const has = (list) => list !== null && (each.labels.length ? list.includes(each.name) : !list.length);
    chip.setAttribute("aria-pressed", String(has(labels)));
    chip.dataset.proposed = String(labels === null && has(shown));
    const probability = this.suggestions.get(this.at)?.probabilities[each.name];
    chip.querySelector(".probability").textContent = probability === undefined ? "" : `${Math.round(100 * probability)} %`;
  }

  #showStrip() {
    const first = Math.max(0, Math.min(this.at - STRIP, this.times.length - 2 * STRIP - 1));
    const indices = Array.from(this.times.keys()).slice(first, first + 2 * STRIP + 1);
    byId("strip").replaceChildren(...indices.map((index) => this.#thumbnail(index)));
  }

  #thumbnail(index) {
    const mark = this.marks[index];
    const suggestion = this.suggestions.get(index);
    const labels = mark.labels ?? suggestion?.labels ?? null;
    const said = labels === null ? "not labelled" : labels.join(", ") || this.job.nobody;
    const how = mark.labels === null && suggestion ? "suggested" : "";
    const attributes = { type: "button", "data-mark": mark.labels !== null ? "labelled" : suggestion ? "suggested" : "open",
      "aria-label": `second ${this.times[index] / 1000}: ${how} ${said}` };
    if (index === this.at) attributes["aria-current"] = "true";
    if (Math.abs(index - this.at) > STRIP / 2) attributes["data-far"] = "true";
    const bar = element("span", { class: "bar" }, ...(labels ?? []).map((name) =>
      element("span", { "data-colour": this.job.characters.indexOf(name) % COLOURS })));
    const button = element("button", attributes,
      element("img", { src: `/frames/${this.times[index]}`, alt: "" }), bar,
      element("span", { class: "said" }, labels === null ? "–" : said));
    button.addEventListener("click", () => this.go(index));
    return button;
  }

  /* All frames at a glance: labelled ones in their colours, suggested ones pale. */
  #drawMap() {
    const canvas = byId("map");
    const width = Math.max(1, Math.round(byId("overview").clientWidth * devicePixelRatio));
    const height = Math.round(16 * devicePixelRatio);
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    const context = canvas.getContext("2d");
    const style = getComputedStyle(document.documentElement);
    const colours = Array.from({ length: COLOURS }, (_, index) => style.getPropertyValue(`--colour-${index}`));
    context.clearRect(0, 0, width, height);
    const step = width / this.times.length;
    this.marks.forEach((mark, index) => {
      const labels = mark.labels ?? this.suggestions.get(index)?.labels ?? null;
      if (labels === null) return;
      context.globalAlpha = mark.labels === null ? 0.3 : 1;
      const parts = labels.length ? labels.map((name) => colours[this.job.characters.indexOf(name) % COLOURS])
        : [style.getPropertyValue("--nobody")];
      parts.forEach((colour, part) => {
        context.fillStyle = colour;
        context.fillRect(index * step, (part * height) / parts.length, Math.max(1, step), height / parts.length);
      });
    });
    context.globalAlpha = 1;
    context.fillStyle = style.getPropertyValue("--text");
    context.fillRect(this.at * step, 0, Math.max(2, step), 3 * devicePixelRatio);
  }

  #showSaved() {
    const saved = byId("saved");
    const waiting = this.queue?.waiting ?? 0;
    const problem = this.queue?.problem ?? null;
    saved.dataset.state = problem ? "problem" : waiting ? "saving" : "saved";
    saved.textContent = problem ? `${waiting} key presses wait here. ${problem}` : waiting ? `saving ${waiting} …` : "saved";
  }

  say(sentence) {
    byId("said").textContent = sentence;
    clearTimeout(this.saying);
    this.saying = setTimeout(() => { byId("said").textContent = ""; }, 4000);
  }

  async #fetchSuggestions() {
    let more = true;
    while (more) {
      try {
        const answer = await fetch(`/suggestions?after=${this.suggestions.size}`);
        const { found, more: coming } = await answer.json();
        for (const [time, suggestion] of Object.entries(found)) {
          this.suggestions.set(this.indices.get(Number(time)), suggestion);
        }
        more = coming;
        if (Object.keys(found).length) this.show();
      } catch {
        // the server is gone; the queue says so when something is to be saved
      }
      if (more) await new Promise((resolve) => setTimeout(resolve, 500));
    }
    document.documentElement.dataset.suggestions = "complete";
  }

  /* ---- keys ----------------------------------------------------------------------------------------------------- */

  command(name) {
    const commands = {
      accept: () => this.accept(), previous: () => this.go(this.at - 1), next: () => this.go(this.at + 1, true),
      first: () => this.go(0), last: () => this.go(this.times.length - 1), undo: () => this.undo(),
      unlabelled: () => this.unlabelled(), doubtful: () => this.doubtful(),
      uncertain: () => this.uncertain(), clear: () => this.clear(), help: () => byId("help").showModal(),
    };
    commands[name]();
  }

  #key(event) {
    if (byId("help").open || event.altKey || event.metaKey) return;
    const command = this.#commandOf(event);
    const chosen = command ? null : this.#classOf(event);
    if (!command && !chosen) return;
    event.preventDefault();
    const moves = ["previous", "next"].includes(command);
    if (event.repeat && !moves) return; // a key that is held down labels one frame, not thirty
    if (command) this.command(command);
    else this.choose(chosen, event.shiftKey);
  }

  #commandOf(event) {
    if (event.ctrlKey) return event.key.toLowerCase() === "z" ? "undo" : null;
    const focused = event.target instanceof HTMLButtonElement;
    if (focused && [" ", "Enter"].includes(event.key)) return null; // the button's own
    return {
      Enter: "accept", " ": "accept", ArrowLeft: "previous", ArrowRight: "next", Home: "first", End: "last",
      Backspace: "undo", ".": "unlabelled", ",": "doubtful", "-": "uncertain", Delete: "clear", "?": "help",
    }[event.key] ?? null;
  }

  #classOf(event) {
    if (event.ctrlKey) return null;
    const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code)?.[1]; // also where digits need Shift
    const key = event.key.toLowerCase();
    return this.classes.find((each) => each.letter === key)
      ?? this.classes.find((each) => each.digit !== null && (each.digit === key || each.digit === digit)) ?? null;
  }
}

async function start() {
  try {
    const answer = await fetch("/job");
    const job = await answer.json();
    if (!answer.ok) throw new Error(job.error);
    window.page = new Page(job);
    document.documentElement.dataset.ready = "true";
  } catch (error) {
    byId("saved").dataset.state = "problem";
    byId("saved").textContent = error.message;
  }
}

start();
