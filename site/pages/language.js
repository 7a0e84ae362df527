// Chooses the first of the visitor's languages that the page knows, and puts its words in place.
// The page is whole without this: it is written in English, and its words are elements marked data-t.

// The words to use ({ code, tag }): the code names the dictionary, the tag also how times are written.
// Browsers name languages in other ways too, such as en-US@posix and de_AT.UTF-8, or name none.
function pickLanguage(preferred, known) {
  for (const name of [].concat(preferred || [])) {
    const code = String(name).toLowerCase().split(/[-_@.]/)[0];
    if (known.includes(code)) return { code, tag: usableTag(String(name), code) };
  }
  return { code: 'en', tag: 'en' };
}

// The tag if times can be written by it, or else the code: Intl throws at a tag that is none.
function usableTag(tag, code) {
  try { return Intl.DateTimeFormat.supportedLocalesOf(tag)[0] || code; } catch { return code; }
}

// TEXT is written before this by the build: { de: { dir, words: { heading, … } }, … }, without English.
function speak(root, language) {
  const text = TEXT[language.code];
  if (!text) return;
  root.lang = language.code;
  root.dir = text.dir;
  for (const element of document.querySelectorAll('[data-t]')) element.textContent = text.words[element.dataset.t];
  document.title = text.words.heading;
}

// Whether another site shows this page in a frame. No policy in a page can forbid that, and a header's
// may be missing, so such a page takes its link away: then there is nothing to trick anybody to click on.
function framedElsewhere() {
  try { return top.location.origin !== location.origin; } catch { return true; }
}

const language = typeof document === 'undefined' ? null : pickLanguage([].concat(navigator.languages || [], navigator.language || []), ['en', ...Object.keys(TEXT)]);
if (language) {
  speak(document.documentElement, language);
  if (framedElsewhere()) document.querySelector('.do').remove();
}
