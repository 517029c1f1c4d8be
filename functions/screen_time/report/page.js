"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const timeline = document.getElementById("timeline");
  const cursor = timeline.querySelector(".cursor");
  const now = timeline.querySelector(".now");
  const video = document.querySelector("video");
  const status = document.getElementById("status");
  const picker = document.querySelector(".choose input");
  let position = 0;

  const clock = (seconds) => {
    const whole = Math.floor(seconds + 1e-6);
    const two = (number) => String(number).padStart(2, "0");
    const hours = Math.floor(whole / 3600);
    const minutes = Math.floor(whole / 60) % 60;
    return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
  };

  const present = (lane, seconds) => {
    for (let each = 0; each < lane.blocks.length; each += 2) {
      if (seconds >= lane.blocks[each] && seconds < lane.blocks[each + 1]) return true;
    }
    return false;
  };

  const told = (seconds) => {
    const names = data.lanes.filter((lane) => present(lane, seconds)).map((lane) => lane.name);
    return `${clock(seconds)} ${names.join(", ") || "nobody"}`;
  };

  const show = (seconds) => {
    position = Math.min(Math.max(seconds, 0), data.duration);
    const share = position / data.duration;
    cursor.hidden = false;
    cursor.style.left = `${100 * share}%`;
    cursor.classList.toggle("left", share < 0.15);
    cursor.classList.toggle("right", share > 0.85);
    now.textContent = told(position);
    timeline.setAttribute("aria-valuenow", position.toFixed(3));
    timeline.setAttribute("aria-valuetext", told(position));
  };

  // Where the video may be: what the reader's link names, else what the report was told, else beside the report.
  const sources = () => {
    const asked = new URLSearchParams(location.search).get("video");
    const addresses = asked ? [asked] : data.video;
    return addresses.flatMap((address) => {
      try {
        const url = new URL(address, location.href);
        return ["http:", "https:", "file:", "blob:"].includes(url.protocol) ? [url.href] : [];
      } catch {
        return [];
      }
    });
  };

  const ready = (source) =>
    new Promise((resolve) => {
      const end = (found) => {
        video.onloadedmetadata = video.onerror = null;
        resolve(found);
      };
      video.onloadedmetadata = () => end(video.videoWidth > 0);
      video.onerror = () => end(false);
      video.src = source;
      video.load();
    });

  // Nothing is fetched before the reader asks for it; one search at a time, which later clicks wait for.
  let search = null;
  const find = () => {
    search ??= (async () => {
      video.preload = "metadata";
      for (const source of sources()) {
        if (await ready(source)) return true;
      }
      return false;
    })();
    return search;
  };

  const play = async (seconds) => {
    show(seconds);
    if (!(await find())) {
      video.hidden = true;
      search = null;
      status.textContent = `${data.file} cannot be played from beside this report.`;
      return;
    }
    status.textContent = "";
    video.hidden = false;
    video.currentTime = position;
    // A browser that wants another click before it plays has the position anyway.
    await video.play().catch(() => {});
  };

  const at = (event) => {
    const box = timeline.getBoundingClientRect();
    return (data.duration * (event.clientX - box.left)) / box.width;
  };

  timeline.addEventListener("pointermove", (event) => { if (event.pointerType === "mouse") show(at(event)); });
  timeline.addEventListener("pointerleave", () => { if (!video.hidden) show(video.currentTime); });
  timeline.addEventListener("focus", () => show(position));
  timeline.addEventListener("click", (event) => play(at(event)));
  timeline.addEventListener("keydown", (event) => {
    const far = Math.max(10 * data.step, data.duration / 20);
    const steps = {
      ArrowRight: data.step, ArrowUp: data.step, ArrowLeft: -data.step, ArrowDown: -data.step,
      PageUp: far, PageDown: -far, Home: -Infinity, End: Infinity,
    };
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "Enter" || event.key === " ") play(position);
    else if (event.key in steps) show(position + steps[event.key]);
    else return;
    event.preventDefault();
  });
  document.addEventListener("click", (event) => {
    const chosen = event.target.closest("button[data-time]");
    if (chosen) play(Number(chosen.dataset.time));
  });
  video.addEventListener("timeupdate", () => { if (!timeline.matches(":hover")) show(video.currentTime); });
  picker.addEventListener("change", async () => {
    const [file] = picker.files;
    if (!file) return;
    const seconds = position;
    search = ready(URL.createObjectURL(file));
    if (await search) await play(seconds);
    else {
      video.hidden = true;
      search = null;
      status.textContent = `This browser cannot play ${file.name}.`;
    }
  });

  // On paper nothing can be unfolded any more.
  const folded = new Set();
  addEventListener("beforeprint", () => {
    for (const each of document.querySelectorAll("details:not([open])")) {
      folded.add(each);
      each.open = true;
    }
  });
  addEventListener("afterprint", () => {
    for (const each of folded) each.open = false;
    folded.clear();
  });
})();
