// The one script of the console. Every page can be read and used without it.

// Times are written in UTC. The reader sees them in their own zone, and UTC when they point at them.
for (const element of document.querySelectorAll('time[datetime]')) showInZone(element);

function showInZone(element) {
  const at = new Date(element.dateTime);
  if (Number.isNaN(at.getTime())) return;
  element.title = element.textContent ?? '';
  element.textContent = at.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
}
