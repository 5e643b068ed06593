/** The words of the tab in the language of the page. Pure. */

import deskEn from "./texts/desk_en.js";
import deskZh from "./texts/desk_zh.js";
import en from "./texts/en.js";
import keepingEn from "./texts/keeping_en.js";
import keepingZh from "./texts/keeping_zh.js";
import timeEn from "./texts/time_en.js";
import timeZh from "./texts/time_zh.js";
import zh from "./texts/zh.js";

/** Languages by code; every one has the same keys. */
export const LANGUAGES = { en: { ...en, ...deskEn, ...keepingEn, ...timeEn }, zh: { ...zh, ...deskZh, ...keepingZh, ...timeZh } };

/** The language to use for a locale such as `zh-TW`. */
export function languageOf(locale) {
  return /^zh\b/iu.test(locale ?? "") ? "zh" : "en";
}

/**
 * What looks up a text: `t("changes.more", {count: 3})`. A key that there is none of is shown as it is.
 * @param {string} locale
 */
export function translator(locale) {
  const texts = LANGUAGES[languageOf(locale)];
  return (key, values = {}) =>
    (texts[key] ?? key).replace(/\{(\w+)\}/gu, (whole, name) => (name in values ? String(values[name]) : whole));
}
