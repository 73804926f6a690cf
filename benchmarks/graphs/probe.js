// Runs in JupyterLab's page before anything else. Netron's frame is of the same origin and so on
// the same main thread: what holds up one holds up the other.
(() => {
  "use strict";
  const frames = [];
  const tasks = [];
  const opened = [];

  const frame = (now) => {
    frames.push(now);
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) tasks.push([entry.startTime, entry.duration]);
  }).observe({ type: "longtask" });
  window.addEventListener("message", ({ data }) => {
    if (data?.ortviz === "netron" && data.event === "opened") opened.push(data.name);
  });

  const within = (from, to) => {
    const seen = frames.filter((time) => time >= from && time <= to);
    const gaps = [from, ...seen, to].map((time, index, all) => time - (all[index - 1] ?? time));
    const held = tasks
      .filter(([start, duration]) => start + duration > from && start < to)
      .map(([, duration]) => duration);
    return { frames: seen.length, gap: Math.max(...gaps), task: Math.max(0, ...held), tasks: held };
  };

  window.probe = {
    within,
    opened,
    // Resolves with the time of the first frame in which `ready` holds, and the frame after it.
    async until(ready) {
      for (;;) {
        await new Promise(requestAnimationFrame);
        if (ready()) break;
      }
      // Drawn in this frame; on screen when the next one begins.
      return new Promise((resolve) => requestAnimationFrame(resolve));
    },
  };
})();
