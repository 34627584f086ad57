// The one script of the console. Every page can be read and used without it.

const MAX_LIVE_ROWS = 200;
const RECONNECT_MS = 2000;
const MAX_RECONNECT_MS = 60_000;
const ZONES = new Intl.DateTimeFormat('en', { timeZoneName: 'short' });

improve(document);
const followed = document.querySelector('[data-live]');
if (followed !== null) follow(followed);
const refreshed = document.querySelector('[data-refresh-secs]');
if (refreshed !== null) keepFresh(refreshed, Number(refreshed.dataset.refreshSecs) * 1000);

function improve(root) {
  for (const element of root.querySelectorAll('time[datetime]')) showInZone(element);
  if (navigator.clipboard !== undefined)
    for (const element of root.querySelectorAll('[data-copy]')) addCopyButton(element);
}

// Times are written in UTC. The reader sees them in their own zone, written in the same way, and UTC when they point at them.
function showInZone(element) {
  const at = new Date(element.dateTime);
  if (Number.isNaN(at.getTime())) return;
  element.title = element.textContent ?? '';
  const two = (number) => String(number).padStart(2, '0');
  const day = [at.getFullYear(), two(at.getMonth() + 1), two(at.getDate())].join('-');
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(':');
  const exact = 'exact' in element.dataset ? `.${String(at.getMilliseconds()).padStart(3, '0')}` : '';
  // A touch screen shows no UTC, so the zone is said.
  element.textContent = `${day} ${time}${exact} ${zoneAt(at)}`;
}

function zoneAt(at) {
  return ZONES.formatToParts(at).find(({ type }) => type === 'timeZoneName').value;
}

function addCopyButton(element) {
  const button = document.createElement('button');
  const say = (word) => {
    button.textContent = word;
    // A screen reader says the name of the button that has the focus when it changes.
    button.setAttribute('aria-label', `${word} ${element.dataset.copy}`);
  };
  button.type = 'button';
  button.className = 'copy';
  say('Copy');
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(element.textContent ?? '');
      say('Copied');
    } catch {
      say('Could not copy');
    }
    setTimeout(() => say('Copy'), 2000);
  });
  element.after(button);
}

// Puts executions on top of the list as they end. It pauses while nobody sees the page, and goes on where it stopped.
function follow(place) {
  const [button, status] = [place.querySelector('button'), place.querySelector('[role=status]')];
  const body = document.querySelector('table.executions').tBodies[0];
  let isWanted = false;
  let source;
  let timer;
  let resumeAt;
  let waitMs = RECONNECT_MS;
  let [shown, dropped] = [0, 0];

  const say = (text) => (status.textContent = text);
  const counted = (more = '') => {
    const left =
      dropped === 0
        ? ''
        : ` ${dropped} more were left out, because there were too many at once: filter them.`;
    say(`Following. ${shown === 1 ? '1 execution has' : `${shown} executions have`} ended.${left}${more}`);
  };
  const close = () => {
    clearTimeout(timer);
    source?.close();
    source = undefined;
  };
  const open = () => {
    close();
    const url = new URL(place.dataset.live, location.href);
    if (resumeAt !== undefined) url.searchParams.set('finished_at_from', resumeAt);
    source = new EventSource(url);
    source.addEventListener('ended', ({ data, lastEventId }) => {
      resumeAt = lastEventId;
      waitMs = RECONNECT_MS;
      const update = JSON.parse(data);
      dropped += update.dropped;
      shown += putOnTop(body, update.rows);
      counted();
    });
    source.addEventListener('error', () => {
      counted(' The connection was lost, and is tried again.');
      // A browser would not connect again after a status such as 503.
      close();
      timer = setTimeout(open, waitMs);
      waitMs = Math.min(2 * waitMs, MAX_RECONNECT_MS);
    });
  };
  const update = () => {
    button.textContent = isWanted ? 'Stop following' : 'Follow live';
    if (isWanted && !document.hidden) {
      if (source === undefined) open();
    } else {
      close();
      say(isWanted ? 'Paused.' : '');
    }
  };
  button.addEventListener('click', () => {
    isWanted = !isWanted;
    if (!isWanted) resumeAt = undefined;
    update();
  });
  document.addEventListener('visibilitychange', update);
  place.hidden = false;
}

// The server has escaped what stands in the rows. Returns how many are new. A row that is there already is replaced: its
// execution was running, or is told again.
function putOnTop(body, html) {
  const template = document.createElement('template');
  template.innerHTML = html;
  improve(template.content);
  const known = new Map([...body.rows].map((row) => [row.dataset.execution, row]));
  let count = 0;
  for (const row of [...template.content.querySelectorAll('tr')]) {
    row.dataset.live = 'true';
    const before = known.get(row.dataset.execution);
    if (before?.dataset.live === 'true') before.replaceWith(row);
    else {
      before?.remove();
      count += 1;
    }
  }
  body.prepend(template.content);
  while (body.rows.length > MAX_LIVE_ROWS) body.deleteRow(-1);
  const isFilled = body.rows.length > 0;
  for (const each of document.querySelectorAll('[data-when]'))
    each.hidden = isFilled !== (each.dataset.when === 'filled');
  return count;
}

// Reads a part of the page again now and then, while somebody sees it. What the reader has unfolded, moved and focused stays.
function keepFresh(part, everyMs) {
  let shown = part;
  let readAt = Date.now();
  const refresh = async () => {
    if (document.hidden || Date.now() - readAt < everyMs) return;
    readAt = Date.now();
    const next = await readAgain(part.id);
    // A marked text would be lost, and so would the place of the focus in a part that has become another one.
    if (next === null || String(getSelection()) !== '' || !keepPlaces(shown, next)) return;
    improve(next);
    const focused = placesIn(shown).indexOf(document.activeElement);
    const scrolled = [...shown.querySelectorAll('.scroll')].map(({ scrollLeft }) => scrollLeft);
    shown.replaceWith(next);
    placesIn(next)[focused]?.focus({ preventScroll: true });
    for (const [at, element] of next.querySelectorAll('.scroll').entries())
      element.scrollLeft = scrolled[at] ?? 0;
    shown = next;
  };
  setInterval(refresh, 1000);
  document.addEventListener('visibilitychange', refresh);
}

async function readAgain(id) {
  try {
    const answer = await fetch(location.href);
    // At the end of a session, the login answers.
    if (!answer.ok || answer.redirected) return null;
    return new DOMParser().parseFromString(await answer.text(), 'text/html').getElementById(id);
  } catch {
    return null;
  }
}

function placesIn(part) {
  return [...part.querySelectorAll('a, button, summary, [tabindex]')];
}

// Unfolds in `next` what is unfolded in `shown`. Returns false when the focus is in `shown` and would be lost.
function keepPlaces(shown, next) {
  for (const open of shown.querySelectorAll('details[open][data-keep]')) {
    const same = next.querySelector(`details[data-keep="${open.dataset.keep}"]`);
    if (same !== null) same.open = true;
  }
  return !shown.contains(document.activeElement) || placesIn(shown).length === placesIn(next).length;
}
