// The texts of the pages from the Fluent files that the portal is built with: tests name a text by its key.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FluentBundle, FluentNumber, FluentResource, type FluentValue } from '@fluent/bundle';
import { TOP } from './portal.ts';

/** One folder of `.ftl` files per language. */
export const TEXTS = join(TOP, 'src/i18n');

type Values = Record<string, string | number>;

/** The texts of one language: `texts(key, values)` returns the text of a page. Throws if the key or a value is missing. */
export function textsOf(language: string): (key: string, values?: Values) => string {
  // The portal sets no isolation marks, and formats numbers without separators.
  const bundle = new FluentBundle(language, { useIsolating: false, functions: { NUMBER: ([value]) => ungrouped(value) } });
  for (const file of readdirSync(join(TEXTS, language))) {
    const errors = bundle.addResource(new FluentResource(readFileSync(join(TEXTS, language, file), 'utf8')));
    if (errors.length) throw new Error(`${language}/${file}: ${errors.join(', ')}`);
  }
  return (key, values = {}) => {
    const pattern = bundle.getMessage(key)?.value;
    if (!pattern) throw new Error(`no text ${key} in ${language}`);
    const errors: Error[] = [];
    const text = bundle.formatPattern(pattern, values, errors);
    if (errors.length) throw new Error(`${key} in ${language}: ${errors.join(', ')}`);
    return text;
  };
}

const ungrouped = (value: FluentValue) => (value instanceof FluentNumber ? new FluentNumber(value.value, { useGrouping: false }) : value);

/** English. */
export const t = textsOf('en');
/** Spanish. */
export const es = textsOf('es');

/** Matches an English text with values given as patterns: `textLike('span-ago', { span: /\d+ \w+/ })`. */
export function textLike(key: string, values: Record<string, string | number | RegExp>): RegExp {
  const forms: string[] = [];
  const known: Values = {};
  for (const [name, value] of Object.entries(values)) {
    // A pattern for a nested text is a part of the whole one.
    known[name] = value instanceof RegExp ? `\0${forms.push(value.source.replace(/^\^|\$$/g, '')) - 1}\0` : value;
  }
  const parts = t(key, known).split(/\0(\d+)\0/);
  return new RegExp(`^${parts.map((part, n) => (n % 2 ? `(?:${forms[Number(part)]})` : escaped(part))).join('')}$`);
}

/** In quotes, as in an ARIA snapshot. */
export const quoted = (key: string, values?: Values) => JSON.stringify(t(key, values));

/** Matches what begins with this text. */
export const startingWith = (text: string) => new RegExp(`^${escaped(text)}`);

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');

/** The title of a document with this heading. */
export const titled = (heading: string) => t('document-title', { title: heading });
/** The same for a page with a refusal. */
export const titledRefused = (heading: string) => t('document-title-refused', { title: heading });
