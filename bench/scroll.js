// Scrolls what holds `selector` up and down for five seconds; the milliseconds between frames.

async (selector) => {
  const box = document.querySelector(selector);
  const room = [box, ...ancestors(box)].find((node) => node.scrollHeight > node.clientHeight + 200) ?? document.scrollingElement;
  const gaps = [];
  let last = performance.now(), down = 1;
  await new Promise((done) => {
    const end = last + 5000;
    requestAnimationFrame(function step(now) {
      gaps.push(now - last);
      last = now;
      if (room.scrollTop + room.clientHeight >= room.scrollHeight - 2) down = -1;
      if (room.scrollTop <= 0) down = 1;
      room.scrollTop += 60 * down;
      if (now < end) requestAnimationFrame(step);
      else done();
    });
  });
  return gaps.slice(1);
  function ancestors(node) { return node.parentElement ? [node.parentElement, ...ancestors(node.parentElement)] : []; }
}
