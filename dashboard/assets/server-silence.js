// Whether a server, or some of its sensors, are silenced; and the way to silence it.

import { isAllowed } from "./allowed.js";
import { data, el, fill, setAttribute, setShown } from "./dom.js";
import { seriesName } from "./format.js";
import { icon } from "./icons.js";
import { newSilenceLink } from "./route.js";
import { untilWords } from "./silence-words.js";

const MOST_NAMED = 6;

/** {node, link, show(detail)}: what says so, and the link that makes one. */
export function newServerSilence() {
  const text = el("span");
  const node = el("p", { class: "callout server-silence", hidden: true }, icon("silenced"), text);
  const link = el("a", { class: "button", hidden: true }, "Silence…");
  let known = "";

  function show({ id, hostname, silenced, sensors = [] }) {
    setAttribute(link, "href", newSilenceLink({ server: hostname || id }));
    const some = sensors.filter((sensor) => sensor.silenced);
    const now = JSON.stringify([silenced, some.map((sensor) => [seriesName(sensor), sensor.silenced])]);
    if (now === known) return;
    known = now;
    setAttribute(node, "data-all", Boolean(silenced));
    setShown(node, Boolean(silenced) || some.length > 0);
    fill(text, silenced ? whole(silenced) : some.length ? parts(some) : []);
  }

  isAllowed("act").then((may) => setShown(link, may));
  return { node, link, show };
}

const list = () => el("a", { href: "#/silences" }, "Silenced");

const whole = ({ ends, reason }) => [el("strong", {}, list()), " ", untilWords(ends), ": ", data(reason)].flat();

// Several sensors under one silence stand together.
function parts(sensors) {
  const first = sensors.slice(0, MOST_NAMED).flatMap((sensor, index) => [index ? ", " : "", data(seriesName(sensor))]);
  const reasons = new Map(sensors.map(({ silenced }) => [silenced.id, silenced]));
  const why = [...reasons.values()].flatMap(({ ends, reason }, index) => [index ? "; " : "", untilWords(ends), ": ", data(reason)].flat());
  return [el("strong", {}, list()), " here: ", ...first, sensors.length > MOST_NAMED ? ` and ${sensors.length - MOST_NAMED} more` : "", ", ", ...why];
}
