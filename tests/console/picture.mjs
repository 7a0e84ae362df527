// Makes docs/console.png: the console in the middle of a window, on a wide widget and on a narrow dark one.
//   python -m rehearsal.console --bootstrap target/debug/bootstrap -- node tests/console/picture.mjs
import { fileURLToPath } from 'node:url';

import { startBrowser } from '../../site/tests/browser.mjs';
import { openDashboard } from './dashboard.mjs';

const TARGET = fileURLToPath(new URL('../../docs/console.png', import.meta.url));
const { BRIDGE, FUNCTION } = process.env;
const SCREENS = [{ theme: 'light', width: 860 }, { theme: 'dark', width: 400 }];
const HEIGHT = 1240;
const DAY = 86_400_000;

async function invoke(endpoint, event) {
  const response = await fetch(`${BRIDGE}/invoke`, { method: 'POST', body: JSON.stringify({ function: endpoint, event }) });
  const { failed, document } = await response.json();
  if (failed) throw new Error(JSON.stringify(document));
  return document;
}
const send = (event) => invoke(FUNCTION, event);
const later = (days, clock) => `${new Date(Date.now() + days * DAY).toISOString().slice(0, 10)}T${clock}`;

await send({ action: 'on', id: 'hotfix-checkout', duration: 'PT30M', reason: 'Hotfix for the checkout', requested_by: 'ben' });
await send({ action: 'off', id: 'hotfix-checkout', requested_by: 'ben' });
await send({ id: 'sunday-patching', every: 'cron(0 2 ? * SUN *)', duration: 'PT2H', timezone: 'Europe/London', reason: 'Weekly patching', requested_by: 'ops' });
await send({ id: 'new-shelves', start: later(3, '22:00'), duration: 'PT6H', timezone: 'Europe/London', reason: 'New shelves for the winter', requested_by: 'cleo' });
await send({ action: 'on', id: 'database-move', duration: 'PT2H', timezone: 'Europe/London', reason: 'Moving the database to its new home', requested_by: 'ana', message: 'Your basket is safe.' });

const browser = await startBrowser();
try {
  const pictures = [];
  for (const { theme, width } of SCREENS) {
    const { widget, close } = await openDashboard(browser, {
      invoke, endpoint: FUNCTION, theme, width, context: { timezone: { label: 'Europe/Berlin', offsetISO: '+01:00' } },
    });
    pictures.push((await widget.screenshot()).toString('base64'));
    await close();
  }
  const gap = 16;
  const width = SCREENS.reduce((sum, screen) => sum + screen.width + gap, gap);
  const page = await browser.newPage({ viewport: { width, height: HEIGHT + 2 * gap } });
  await page.setContent(`<!doctype html><style>body{margin:${gap}px;display:flex;gap:${gap}px;background:#fff}
    div{height:${HEIGHT}px;overflow:hidden;border-radius:8px;box-shadow:0 0 0 1px #ccc}img{display:block;margin:0 -12px}</style>${
    pictures.map((picture, at) => `<div style="width:${SCREENS[at].width}px"><img src="data:image/png;base64,${picture}"></div>`).join('')}`);
  await page.screenshot({ path: TARGET });
} finally {
  await browser.close();
}
