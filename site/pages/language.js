// Chooses the first of the visitor's languages that the page knows, and puts its words in place.
// The page is whole without this: it is written in English, and its words are elements marked data-t.

// The words to use ({ code, tag }): the code names the dictionary, the tag also how times are written.
function pickLanguage(preferred, known) {
  for (const tag of preferred || []) {
    const code = String(tag).toLowerCase().split('-')[0];
    if (known.includes(code)) return { code, tag: String(tag) };
  }
  return { code: 'en', tag: 'en' };
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

const language = typeof document === 'undefined' ? null : pickLanguage(navigator.languages, ['en', ...Object.keys(TEXT)]);
if (language) speak(document.documentElement, language);
