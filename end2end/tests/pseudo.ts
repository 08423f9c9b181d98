// A right-to-left pseudo-language: text that still looks like English is not translated.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TEXTS } from './i18n.ts';

const LETTERS: Record<string, string> = { a: 'á', e: 'é', i: 'í', o: 'ó', u: 'ú', n: 'ñ', c: 'ç', s: 'š', A: 'Á', E: 'É', I: 'Í', O: 'Ó', U: 'Ú', N: 'Ñ', C: 'Ç', S: 'Š' };

/** Writes `ar-XB.ftl` to the portal's folder for further languages: the English texts with accents. */
export async function writePseudo(data: string): Promise<void> {
  const english = join(TEXTS, 'en');
  const texts = await Promise.all((await readdir(english)).map(file => readFile(join(english, file), 'utf8')));
  await mkdir(join(data, 'words'), { recursive: true });
  await writeFile(join(data, 'words', 'ar-XB.ftl'), texts.join('\n').split('\n').map(accented).join('\n'));
}

function accented(line: string): string {
  if (line.startsWith('#')) return line;
  if (line.startsWith('direction =')) return 'direction = rtl';
  if (line.startsWith('language-name =')) return 'language-name = XB';
  const [, head, text] = line.match(/^([a-z0-9-]+ = ?| *\*?\[\w+\] | *\} ?)?(.*)$/) ?? [];
  // Placeholders and functions in braces are not changed.
  return (head ?? '') + (text ?? '').split(/(\{[^}]*\}?)/).map(part => (part.startsWith('{') ? part : part.replace(/[a-zA-Z]/g, letter => LETTERS[letter] ?? letter))).join('');
}
