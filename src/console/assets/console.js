// The one script of the console. Every page can be read and used without it.

improve(document);

function improve(root) {
  for (const element of root.querySelectorAll('time[datetime]')) showInZone(element);
  if (navigator.clipboard !== undefined)
    for (const element of root.querySelectorAll('[data-copy]')) addCopyButton(element);
}

// Times are written in UTC. The reader sees them in their own zone, and UTC when they point at them.
function showInZone(element) {
  const at = new Date(element.dateTime);
  if (Number.isNaN(at.getTime())) return;
  element.title = element.textContent ?? '';
  const date = { year: 'numeric', month: 'short', day: 'numeric' };
  const time = { hour: '2-digit', minute: '2-digit', second: '2-digit' };
  const exact = 'exact' in element.dataset ? { fractionalSecondDigits: 3 } : {};
  element.textContent = at.toLocaleString(undefined, { ...date, ...time, ...exact });
}

function addCopyButton(element) {
  const button = document.createElement('button');
  const name = `Copy ${element.dataset.copy}`;
  button.type = 'button';
  button.className = 'copy';
  button.textContent = 'Copy';
  button.setAttribute('aria-label', name);
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(element.textContent ?? '');
    button.textContent = 'Copied';
    setTimeout(() => (button.textContent = 'Copy'), 2000);
  });
  element.after(button);
}
