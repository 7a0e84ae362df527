// Reads what is published. It is shown as text and never as markup.

// An instant, in milliseconds, or NaN.
const readInstant = (text) => /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/i.test(text) ? Date.parse(text) : NaN;

// A message, without marks that could reorder or hide text around it.
const plainText = (text) => typeof text === 'string' ? Array.from(text.replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g, '').trim()).slice(0, 300).join('') : '';
