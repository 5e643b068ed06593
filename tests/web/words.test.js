/** Words: of changes, times and sizes, in both languages. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { LANGUAGES, languageOf, translator } from "../../web/texts.js";
import * as words from "../../web/words.js";

const [en, zh] = [translator("en"), translator("zh-CN")];
const sources = () => {
  const root = new URL("../../web/", import.meta.url);
  const names = readdirSync(root, { recursive: true }).map(String);
  return names.filter((name) => name.endsWith(".js") && !name.includes("texts")).map((name) => readFileSync(new URL(name.replaceAll("\\", "/"), root), "utf8"));
};

test("both languages have the same texts with the same blanks", () => {
  assert.deepEqual(Object.keys(LANGUAGES.zh).sort(), Object.keys(LANGUAGES.en).sort());
  const blanks = (text) => [...text.matchAll(/\{\w+\}/gu)].map(String).sort();
  for (const [key, text] of Object.entries(LANGUAGES.en)) {
    assert.deepEqual(blanks(LANGUAGES.zh[key]), blanks(text), key);
    assert.notEqual(text.trim(), "", key);
    assert.notEqual(LANGUAGES.zh[key].trim(), "", key);
  }
});

test("every text that is asked for is there", () => {
  for (const source of sources()) {
    for (const [, key] of source.matchAll(/\bt\(\s*"([\w.-]+)"/gu)) {
      assert.ok(key in LANGUAGES.en, key);
    }
  }
});

test("every text is asked for somewhere", () => {
  const all = sources().join("\n");
  for (const key of Object.keys(LANGUAGES.en)) {
    const family = key.slice(0, key.indexOf("."));
    const built = all.includes(`\`${family}.`) || all.includes(`${key.slice(0, key.lastIndexOf("."))}.\${`);
    const last = /^(?:un)?wrap$/u.test(family); // `${way}.${scope}`
    assert.ok(all.includes(`"${key}"`) || built || last, key);
  }
});

test("settings and commands have names in both languages", () => {
  const read = (language, name) => JSON.parse(readFileSync(new URL(`../../locales/${language}/${name}.json`, import.meta.url), "utf8"));
  const all = sources().join("\n");
  for (const name of ["settings", "commands"]) {
    const [english, chinese] = ["en", "zh"].map((language) => read(language, name));
    assert.deepEqual(Object.keys(chinese), Object.keys(english));
    for (const key of Object.keys(english)) {
      assert.ok(all.includes(`"${key.replace("_", ".")}"`), key);
    }
  }
  for (const [, id] of all.matchAll(/"(Provenance\.(?:[A-Z]\w+))"/gu)) {
    const key = id.replace(".", "_");
    assert.ok(key in read("en", "settings") || key in read("en", "commands"), id);
  }
});

test("Chinese for every Chinese locale, English for all others", () => {
  assert.deepEqual(["zh", "zh-TW", "ZH-cn", "en", "ja", "", null].map(languageOf), ["zh", "zh", "zh", "en", "en", "en", "en"]);
});

test("a value that is not given stays visible", () => {
  assert.equal(en("changes.more", {}), "{count} more");
  assert.equal(en("no.such.key"), "no.such.key");
});

test("seeds are told from other changes", () => {
  const lines = ["seed 42 → 43", "noise_seed 1 → 18446744073709551615 (#3)", "seed 1 → 2 (Sampler A)", "cfg 7 → 5.5", '+ "seed of doubt"'];
  assert.deepEqual(words.withoutSeeds(lines), ["cfg 7 → 5.5", '+ "seed of doubt"']);
});

test("the author's words stay, the words around them are translated", () => {
  assert.equal(words.changeWords('+ "golden hour" (negative)', zh), '+ "golden hour" (负面)');
  assert.equal(words.changeWords("… 12 more changes", zh), "另有 12 项");
  assert.equal(words.changeWords("model.safetensors has other bytes (sha256 aaaa → bbbb)", zh), "model.safetensors：同名，但内容不同 (sha256 aaaa → bbbb)");
  assert.equal(words.changeWords("text punctuation (negative, #4)", en), "text punctuation (negative, #4)");
  assert.equal(words.changeWords("cfg 7 → 5.5", zh), "cfg 7 → 5.5");
  assert.equal(words.changeWords('"a (positive) day" → "night"', zh), '"a (positive) day" → "night"');
});

test("words of prompts come first, seeds last", () => {
  assert.deepEqual(words.ranked(["seed 1 → 2", "+ LoraLoader x.safetensors 0.6", "cfg 7 → 5", '+ "snow"']), [
    '+ "snow"',
    "cfg 7 → 5",
    "+ LoraLoader x.safetensors 0.6",
    "seed 1 → 2",
  ]);
});

test("times are as short as they can be", () => {
  const now = new Date(2026, 10, 23, 12, 0, 0);
  assert.match(words.moment(new Date(2026, 10, 23, 4, 5, 6).toISOString(), now, "en"), /^04:05:06$/u);
  assert.match(words.moment(new Date(2026, 2, 1, 4, 5, 6).toISOString(), now, "en"), /Mar 1.*04:05$/u);
  assert.match(words.moment(new Date(2024, 2, 1, 4, 5, 6).toISOString(), now, "zh-CN"), /2024/u);
  assert.equal(words.moment("not a time", now, "en"), "not a time");
  assert.deepEqual([340, 1400, 61_000].map((ms) => words.duration(ms, en)), ["340 ms", "1.4 s", "1 min 1 s"]);
  assert.equal(words.duration(null, en), "");
});

test("sizes", () => {
  assert.deepEqual([0, 1023, 1024, 6_938_000_000].map(words.size), ["0 B", "1023 B", "1.0 KiB", "6.5 GiB"]);
});
