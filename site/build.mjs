// Writes what is generated: the error pages, the template's copy of the bypass function and version, and
// existing.yaml, which holds the same for a distribution that is there already.
//   node build.mjs           writes
//   node build.mjs --check   writes nothing and fails if something is out of date
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = new URL('.', import.meta.url);
const read = (name) => readFileSync(new URL(name, here), 'utf8');

// The codes that a page can be shown for, and whether it waits for the site: an application's own
// refusal or failure does not pass by waiting.
export const PAGES = {
  503: { waits: true, showsEnd: true, mayHaveSent: true },
  502: { waits: true, mayHaveSent: true },
  504: { waits: true, mayHaveSent: true },
  500: { mayHaveSent: true },
  403: {},
  404: {},
};

const escape = (text) => text.replace(/[&<>"]/g, (mark) => `&#${mark.charCodeAt(0)};`);
const hash = (text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

// Comments and indentation are for whoever reads the source. Whole lines only, so nothing in the
// code has to be understood.
const squeeze = (code) => code.split('\n').map((line) => line.trim()).filter((line) => line && !line.startsWith('//')).join('\n');
const squeezeStyle = (style) => style.replace(/\s+/g, ' ').replace(/ ?([{};,]) ?/g, '$1').replace(/: /g, ':').replace(/;}/g, '}').trim();

function wordsFor(text, code) {
  const page = PAGES[code];
  const [heading, lead] = text[code];
  const keys = [page.waits || page.mayHaveSent ? 'again' : 'home'];
  if (page.mayHaveSent) keys.push('sent');
  if (page.waits) keys.push('checks', 'back');
  if (page.showsEnd) keys.push('expected', 'late', 'unknown', 'planned', 'plannedLead');
  return { heading, lead, ...Object.fromEntries(keys.map((key) => [key, text[key]])) };
}

export function buildPage(code) {
  const page = PAGES[code];
  const text = JSON.parse(read('pages/text.json'));
  const others = Object.keys(text).filter((language) => language !== 'en');
  const words = wordsFor(text.en, code);
  const say = (key, { tag = 'p', id, hidden, kind } = {}) =>
    `<${tag}${id ? ` id="${id}"` : ''}${kind ? ` class="${kind}"` : ''}${hidden ? ' hidden' : ''} data-t="${key}">${escape(words[key])}</${tag}>`;

  const waiting = page.showsEnd && [
    `<div id="when" class="when" hidden>${say('expected', { id: 'expected' })}<time id="time"></time><p id="detail"></p></div>`,
    say('late', { id: 'late', hidden: true }),
    say('unknown', { id: 'unknown', hidden: true }),
    // Nobody says in which language the operator wrote, so the page must not claim its own.
    '<p id="message" class="note" lang="" dir="auto" hidden></p>',
    say('planned', { id: 'planned', hidden: true }),
    say('plannedLead', { id: 'plannedLead', hidden: true }),
  ].join('\n');
  const checks = page.waits && [
    say('checks', { id: 'checks', kind: 'soft', hidden: true }),
    say('back', { id: 'back', hidden: true }),
    '<p id="said" role="status"></p>',
  ].join('\n');

  const dictionary = Object.fromEntries(others.map((language) => [language, { dir: text[language].dir, words: wordsFor(text[language], code) }]));
  // "<" cannot end the script element early, whatever a translation holds.
  const script = [
    "'use strict';",
    `const TEXT = ${JSON.stringify(dictionary).replaceAll('<', '\\u003c')};`,
    squeeze(read('pages/language.js')),
    page.waits ? squeeze(read('pages/read.js')) : '',
    page.waits ? squeeze(read('pages/wait.js')) : '',
  ].filter(Boolean).join('\n');
  const style = squeezeStyle(read('pages/page.css'));
  const fillers = {
    policy: `default-src 'none'; style-src ${hash(style)}; script-src ${hash(script)}; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'`,
    code,
    heading: escape(words.heading),
    lead: escape(words.lead),
    waiting: waiting || '',
    sent: page.mayHaveSent ? say('sent', { kind: 'soft' }) : '',
    link: page.mayHaveSent ? 'again' : 'home',
    linkText: escape(page.mayHaveSent ? words.again : words.home),
    // An empty address is the one the visitor asked for, as an ordinary visit.
    href: page.mayHaveSent ? '' : '/',
    checks: checks || '',
    others: others.map((language) => {
      const [heading, lead] = text[language][code];
      return `<p lang="${language}" dir="${text[language].dir}"><b>${escape(heading)}</b> ${escape(lead)}</p>`;
    }).join('\n'),
    style,
    script,
  };
  return read('pages/page.html').replace(/\{\{(\w+)\}\}/g, (_, name) => String(fillers[name])).replace(/\n{2,}/g, '\n');
}

// Functions of a source, without what the source does by itself.
const functionsOf = (source, ...names) => names.map((name) => source.match(new RegExp(`^function ${name}\\(.*?^}`, 'ms'))[0]).join('\n');

// The notice for the application's own pages; nothing of it is to be seen from outside.
export function buildBanner() {
  const text = JSON.parse(read('pages/text.json'));
  const words = ({ dir, soon, dismiss }) => ({ dir, words: { soon, dismiss } });
  const code = [
    "'use strict';",
    `const WORDS = ${JSON.stringify(Object.fromEntries(Object.entries(text).map(([language, all]) => [language, words(all)])))};`,
    `const STYLE = ${JSON.stringify(squeezeStyle(read('pages/banner.css')))};`,
    functionsOf(read('pages/language.js'), 'pickLanguage', 'usableTag'),
    read('pages/read.js'),
    read('pages/banner.js'),
  ];
  return `(() => {\n${squeeze(code.join('\n'))}\n})();\n`;
}

// The project's version stands in one place.
function version() {
  return read('../Cargo.toml').match(/^version = "(.+)"$/m)[1];
}

// The template with the function's source in its place, indented as YAML wants it, and the version.
export function buildTemplate() {
  const place = /^( *)FunctionCode: !Sub \|\n(?:\1 +.*\n|\n)*/m;
  return read('template.yaml').replace(place, (_, indent) => {
    const code = read('functions/bypass.js').replace(/^(?=.)/gm, `${indent}  `);
    return `${indent}FunctionCode: !Sub |\n${code}\n`;
  }).replace(/^( {2}Version:\n {4}Description: .*\n {4}Value: ).*$/m, (_, head) => `${head}"${version()}"`);
}

// What a distribution of somebody's own needs besides itself, as it stands in the template.
const FOR_EXISTING = ['ErrorBucket', 'ErrorBucketPolicy', 'ErrorAccess', 'ErrorCachePolicy', 'ErrorHeaders', 'FeedHeaders', 'BypassStore', 'BypassFunction'];

// The lines of one of the template's entries, with the comment above it.
function entry(text, name) {
  const lines = text.split('\n');
  const at = lines.indexOf(`  ${name}:`);
  let start = at;
  while (lines[start - 1].startsWith('  #')) start--;
  let end = at + 1;
  while (end < lines.length && (lines[end] === '' || lines[end].startsWith('   '))) end++;
  return lines.slice(start, end).join('\n').trimEnd();
}

export function buildExisting() {
  const template = buildTemplate();
  const resources = FOR_EXISTING.map((name) => entry(template, name).replace('distribution/${Distribution}', 'distribution/${DistributionId}'));
  return `# Made from template.yaml by "node build.mjs"; change that one. EXISTING.md tells what it is for.
AWSTemplateFormatVersion: "2010-09-09"
Description: >-
  What a CloudFront distribution that is there already needs for friendly error pages and the testers'
  link: a private bucket, policies, and the bypass function with its store. EXISTING.md of site/ tells
  how the distribution is to use them. The stack's name may have at most 40 characters.

Parameters:
  DistributionId:
    Type: String
    Description: The distribution that shows the pages; no other may read the bucket.
    AllowedPattern: ^[A-Z0-9]{8,20}$
    ConstraintDescription: A distribution's id, such as EDFDVBD6EXAMPLE.

${entry(template, 'BypassHeaderName')}

Resources:
${resources.join('\n\n')}

Outputs:
${entry(template, 'Version')}
  ErrorBucket:
    Description: The bucket of the error pages; the parameter ErrorBucket of the function's stack.
    Value: !Ref ErrorBucket
  ErrorBucketDomainName:
    Description: The domain name of the origin "errors".
    Value: !GetAtt ErrorBucket.RegionalDomainName
  ErrorAccess:
    Description: The origin access control of the origin "errors".
    Value: !GetAtt ErrorAccess.Id
  ErrorCachePolicy:
    Description: The cache policy of the behaviours under /errors/.
    Value: !Ref ErrorCachePolicy
  ErrorHeaders:
    Description: The response headers policy of the behaviours for pages and window.json.
    Value: !Ref ErrorHeaders
  FeedHeaders:
    Description: The response headers policy of the behaviours for upcoming.json, maintenance.ics and banner.js.
    Value: !Ref FeedHeaders
  BypassFunction:
    Description: The function for viewer requests of the behaviours that reach the application.
    Value: !GetAtt BypassFunction.FunctionARN
  BypassStore:
    Description: The key value store that wants the secret under the key "secrets".
    Value: !GetAtt BypassStore.Arn
  BypassHeaderName:
    Description: The request header that lets a tester through; the same as in the function's stack.
    Value: !Ref BypassHeaderName
`;
}

export function outputs() {
  return {
    'template.yaml': buildTemplate(),
    'existing.yaml': buildExisting(),
    'errors/banner.js': buildBanner(),
    ...Object.fromEntries(Object.keys(PAGES).map((code) => [`errors/${code}.html`, buildPage(code)])),
  };
}

export function stale() {
  return Object.entries(outputs()).filter(([name, wanted]) => {
    try { return read(name) !== wanted; } catch { return true; }
  }).map(([name]) => name);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const late = stale();
  if (process.argv.includes('--check')) {
    for (const name of late) console.error(`site/${name} is out of date: run "node build.mjs" in site/ and commit it`);
    process.exitCode = late.length > 0 ? 1 : 0;
  } else {
    for (const [name, text] of Object.entries(outputs())) writeFileSync(new URL(name, here), text);
    console.log(late.length > 0 ? `written: ${late.join(', ')}` : 'everything was up to date');
  }
}
