// The texts of the pages, out of the files that the portal is built from (Project Fluent): tests name a text by its key.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FluentBundle, FluentNumber, FluentResource, type FluentValue } from '@fluent/bundle';
import { TOP } from './portal.ts';

/** One folder of `.ftl` files per language. */
export const TEXTS = join(TOP, 'src/i18n');

type Values = Record<string, string | number>;

/** The texts of one language: `texts(key, values)` is what a page shows. Throws for a key or a value that is missing. */
export function textsOf(language: string): (key: string, values?: Values) => string {
  // The portal sets no isolation marks, and writes numbers without separators.
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

/** In English. */
export const t = textsOf('en');
/** In Spanish. */
export const es = textsOf('es');

/** The whole of an English text of which some values are known by their form only: `textLike('span-ago', { span: /\d+ \w+/ })`. */
export function textLike(key: string, values: Record<string, string | number | RegExp>): RegExp {
  const forms: string[] = [];
  const known: Values = {};
  for (const [name, value] of Object.entries(values)) {
    // A form within a form is a part of the text.
    known[name] = value instanceof RegExp ? `\0${forms.push(value.source.replace(/^\^|\$$/g, '')) - 1}\0` : value;
  }
  const parts = t(key, known).split(/\0(\d+)\0/);
  return new RegExp(`^${parts.map((part, n) => (n % 2 ? `(?:${forms[Number(part)]})` : escaped(part))).join('')}$`);
}

/** In quotes, as a snapshot of roles has it. */
export const quoted = (key: string, values?: Values) => JSON.stringify(t(key, values));

/** What begins with this text. */
export const startingWith = (text: string) => new RegExp(`^${escaped(text)}`);

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');

/** The title of a document with this heading. */
export const titled = (heading: string) => t('document-title', { title: heading });
/** The same, of a page that says that something was refused. */
export const titledRefused = (heading: string) => t('document-title-refused', { title: heading });
