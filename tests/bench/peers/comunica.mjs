// Comunica over the SPARQL endpoints given as arguments. Reads percent-encoded queries, one a line; answers
// `ok MILLISECONDS ROWS` or `error WHY`, one a line.
import { QueryEngine } from '@comunica/query-sparql';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const sources = process.argv.slice(2).map(value => ({ type: 'sparql', value }));
const engine = new QueryEngine();

function say(...words) {
  process.stdout.write(`${words.join(' ').replace(/\s+/g, ' ').slice(0, 300)}\n`);
}

// Every term is looked at, as by a client that shows it.
function drain(stream) {
  return new Promise((resolve, reject) => {
    let rows = 0;
    let characters = 0;
    stream.on('data', row => {
      rows += 1;
      for (const term of row.values()) characters += term.value.length;
    });
    stream.on('end', () => resolve({ rows, characters }));
    stream.on('error', reject);
  });
}

const manifest = new URL('node_modules/@comunica/query-sparql/package.json', import.meta.url);
say('ready', JSON.parse(readFileSync(manifest)).version);
for await (const line of createInterface({ input: process.stdin })) {
  const begun = performance.now();
  try {
    const { rows } = await drain(await engine.queryBindings(decodeURIComponent(line), { sources }));
    say('ok', (performance.now() - begun).toFixed(3), rows);
  } catch (error) {
    say('error', error?.message ?? error);
  }
}
