// A stand-in for a CloudWatch dashboard with one custom widget, in the machine's own Chromium.
//
// It does what AWS documents of custom widgets, and is stricter where AWS is silent: it takes out JavaScript, `iframe` and
// `use`, and whatever else a filter of pages is known to take out; it puts `widgetContext` beside what it sends; and it runs
// `cwdb-action` with `confirmation`, `display` and the fields of the widget.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/add_custom_widget_dashboard.html
import { createRequire } from 'node:module';

// The browser's driver and axe are installed for the tests of the edge.
const ofSite = createRequire(new URL('../../site/package.json', import.meta.url));
export const axe = ofSite('axe-core');

const ADDRESS = 'http://dashboard.test/';
const HTML = `<!doctype html><html lang="en"><title>Dashboard</title>
<style>
  body { margin: 0; font: 14px system-ui, sans-serif; background: #fff; color: #16191f }
  body.dark { background: #16191f; color: #d5dbdb }
  h1 { font-size: 18px; margin: 12px }
  main { padding: 0 12px 12px }
  dialog { max-width: 640px; width: 90% } body.dark dialog { background: #16191f; color: #d5dbdb }
</style>
<header><h1>Dashboard</h1></header>
<main id="widget" aria-label="Maintenance"></main>
<dialog id="confirm" aria-label="Confirmation"><p></p><button value="no">Cancel</button> <button value="yes">Yes</button></dialog>
<dialog id="popup" aria-label="Answer"><div></div><button value="close">Close</button></dialog>`;

// In the page. `invokeFunction` comes from the test.
const SCRIPT = () => {
  const FORBIDDEN = 'script,iframe,use,object,embed,link,meta,base,noscript,img,video,audio,applet,frame,frameset';
  const widget = document.getElementById('widget');
  const state = { removed: [], sent: [], submitted: 0 };
  globalThis.state = state;

  // What is left of a page once everything is out of it that could run, load, lead away or hide a form's own properties.
  function sanitised(html) {
    const template = document.createElement('template');
    template.innerHTML = html;
    for (const found of template.content.querySelectorAll(FORBIDDEN)) { state.removed.push(found.localName); found.remove(); }
    const form = document.createElement('form');
    for (const element of template.content.querySelectorAll('*')) {
      for (const { name, value } of [...element.attributes]) {
        const clobbers = (name === 'id' || name === 'name') && (value in document || value in form);
        if (/^on|^srcdoc$|^formaction$/i.test(name) || /^\s*(javascript|data|vbscript):/i.test(value) || clobbers) {
          state.removed.push(`${element.localName} ${name}`);
          element.removeAttribute(name);
        }
      }
    }
    return template.content;
  }

  function context() {
    const all = {};
    for (const field of widget.querySelectorAll('[name]')) if (field.type !== 'radio' || field.checked) all[field.name] = field.value;
    return { ...globalThis.given, forms: { all }, params: globalThis.params };
  }

  // A modal's answer: the value of the button that closed it.
  function asked(dialog) {
    return new Promise((resolve) => {
      dialog.returnValue = '';
      dialog.showModal();
      for (const button of dialog.querySelectorAll(':scope > button')) button.onclick = () => dialog.close(button.value);
      dialog.onclose = () => resolve(dialog.returnValue);
    });
  }

  function place(content, into) {
    into.replaceChildren(content);
    for (const action of [...into.querySelectorAll('cwdb-action')]) {
      const element = action.previousElementSibling;
      const option = (name, otherwise) => action.getAttribute(name) ?? otherwise;
      const [kind, display, confirmation] = [option('action', 'html'), option('display', 'widget'), option('confirmation')];
      const [body, endpoint] = [action.textContent, option('endpoint')];
      action.remove();
      element.addEventListener(option('event', 'click'), async () => {
        if (confirmation !== undefined) {
          const dialog = document.getElementById('confirm');
          dialog.querySelector('p').textContent = confirmation;
          if (await asked(dialog) !== 'yes') return;
        }
        const html = kind === 'call' ? await call(endpoint, JSON.parse(body)) : body;
        if (display === 'widget') { place(sanitised(html), widget); return; }
        const popup = document.getElementById('popup');
        place(sanitised(html), popup.querySelector('div'));
        asked(popup);
      });
    }
  }

  async function call(endpoint, sent) {
    const event = { ...sent, widgetContext: context() };
    state.sent.push({ endpoint, event });
    return globalThis.invokeFunction(endpoint, event);
  }
  globalThis.call = call;

  addEventListener('submit', (event) => { event.preventDefault(); state.submitted += 1; });
  globalThis.refresh = async () => place(sanitised(await call(globalThis.endpoint, globalThis.params)), widget);
};

const CONTEXT = {
  dashboardName: 'maintenance', widgetId: 'widget-1', accountId: '000000000000', locale: 'en', period: 300, isAutoPeriod: true,
  timezone: { label: 'Local', offsetISO: '+01:00', offsetInMinutes: -60 },
  timeRange: { mode: 'relative', start: 0, end: 0, relativeStart: 10800000 }, linkCharts: true, title: 'Maintenance',
};

// Opens a dashboard whose widget `endpoint` fills. `invoke` takes an endpoint and an event and answers what the function
// says: a text, or anything else for a failed run.
export async function openDashboard(browser, { invoke, endpoint, params = {}, theme = 'light', width = 1180, zoom = 1, context = {} }) {
  const page = await browser.newPage({
    viewport: { width: Math.round((width + 24) / zoom), height: Math.round(900 / zoom) }, deviceScaleFactor: zoom, colorScheme: theme,
  });
  page.setDefaultTimeout(20_000);
  const seen = { complaints: [], failures: [], dialogs: [] };
  page.on('pageerror', (error) => seen.complaints.push(String(error)));
  page.on('console', (message) => { if (message.type() === 'error') seen.complaints.push(message.text()); });
  page.on('dialog', (dialog) => { seen.dialogs.push(dialog.message()); dialog.dismiss(); });
  // Nothing is loaded from anywhere.
  await page.route('**/*', (route) => {
    if (route.request().url() === ADDRESS) return route.fulfill({ contentType: 'text/html; charset=utf-8', body: HTML });
    if (!route.request().url().endsWith('/favicon.ico')) seen.complaints.push(`asked for ${route.request().url()}`);
    return route.fulfill({ status: 404, body: '' });
  });
  await page.exposeFunction('invokeFunction', async (to, event) => {
    const answer = await invoke(to, event);
    if (typeof answer === 'string') return answer;
    seen.failures.push(JSON.stringify(answer));
    return 'The widget failed.';
  });
  await page.goto(ADDRESS);
  const given = { ...CONTEXT, theme, width: Math.round(width / zoom), height: 900, ...context };
  await page.evaluate(({ given, params, endpoint, theme }) => {
    Object.assign(globalThis, { given, params, endpoint });
    document.body.classList.toggle('dark', theme === 'dark');
  }, { given, params, endpoint, theme });
  await page.evaluate(`(${SCRIPT})()`);
  await page.evaluate(() => globalThis.refresh());

  const confirm = page.getByRole('dialog', { name: 'Confirmation' });
  const popup = page.getByRole('dialog', { name: 'Answer' });
  return {
    page,
    seen,
    popup,
    confirm,
    widget: page.getByRole('main'),
    refresh: () => page.evaluate(() => globalThis.refresh()),
    state: () => page.evaluate(() => globalThis.state),
    // Presses a button; answers what was asked before it acted, and what the pop-up said. `look` is called while that is open.
    async press(name, { exact = true, agree = true, look } = {}) {
      await page.getByRole('main').getByRole('button', { name, exact }).first().click();
      await confirm.or(popup).first().waitFor();
      let asked = null;
      if (await confirm.isVisible()) {
        asked = await confirm.locator('p').textContent();
        await confirm.getByRole('button', { name: agree ? 'Yes' : 'Cancel' }).click();
        if (!agree) return { asked, answer: null };
      }
      await popup.waitFor();
      const answer = await popup.locator('div').first().innerText();
      await look?.(page);
      await popup.getByRole('button', { name: 'Close' }).click();
      return { asked, answer };
    },
    close: () => page.close(),
  };
}

export async function violations(page) {
  await page.evaluate(axe.source);
  const result = await page.evaluate(() => globalThis.axe.run(document, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  }));
  return result.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}

export function overflow(page) {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}
