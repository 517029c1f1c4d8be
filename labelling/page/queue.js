"use strict";

/*
 * What was pressed and is not yet in the label file. It lies in the browser's storage before anything is sent, and
 * leaves it when the server has said that it is on disk: neither a reload nor a server that is slow or gone loses it.
 * A mark names its frame's whole state, so that sending one twice does no harm.
 */
class Queue {
  static #RETRY_MS = [250, 500, 1000, 2000, 4000];
  static #TIMEOUT_MS = 20000;

  constructor(job, onChange) {
    this.prefix = `screen-time:${job}:`;
    let tab = sessionStorage.getItem("screen-time:tab");
    if (!tab) {
      tab = crypto.randomUUID();
      sessionStorage.setItem("screen-time:tab", tab);
    }
    this.key = this.prefix + tab;
    this.onChange = onChange;
    this.problem = null;
    this.failures = 0;
    this.sending = false;
    this.marks = this.#left();
    this.#store();
    if (this.marks.length) this.#send();
  }

  /* What this tab, or one that was closed before it had sent everything, has left. */
  #left() {
    const marks = [];
    for (const key of Object.keys(localStorage).filter((each) => each.startsWith(this.prefix)).sort()) {
      try {
        marks.push(...JSON.parse(localStorage.getItem(key)));
      } catch {
        // not written by this page
      }
      if (key !== this.key) localStorage.removeItem(key);
    }
    return marks;
  }

  get waiting() {
    return this.marks.length;
  }

  push(mark) {
    this.marks.push(mark);
    this.#store();
    this.onChange();
    this.#send();
  }

  #store() {
    if (this.marks.length) localStorage.setItem(this.key, JSON.stringify(this.marks));
    else localStorage.removeItem(this.key);
  }

  async #send() {
    if (this.sending) return;
    this.sending = true;
    while (this.marks.length) {
      const batch = this.marks.slice();
      this.problem = await Queue.#post(batch);
      if (this.problem === null) {
        this.failures = 0;
        this.marks.splice(0, batch.length);
        this.#store();
        this.onChange();
      } else {
        this.onChange();
        const pause = Queue.#RETRY_MS[Math.min(this.failures++, Queue.#RETRY_MS.length - 1)];
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
    this.sending = false;
  }

  /* null where the marks are on disk, else a sentence. */
  static async #post(marks) {
    try {
      const answer = await fetch("/marks", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(marks),
        signal: AbortSignal.timeout(Queue.#TIMEOUT_MS),
      });
      if (answer.ok) return null;
      return (await answer.json()).error;
    } catch {
      return "The command that serves this page does not answer; start it again, nothing is lost.";
    }
  }
}
