// Comunica against the endpoint given as the first argument: as a SPARQL source, found out by itself, and joined with another.
import { QueryEngine } from '@comunica/query-sparql';
import { deepStrictEqual as equal, rejects } from 'node:assert';

const endpoint = process.argv[2];
const engine = new QueryEngine();
const PREFIX = 'PREFIX ex: <https://demo.example/vocab#>\n';
const TOTALS = `${PREFIX} SELECT ?part ?name (SUM(?quantity) AS ?total) {
  ?run ex:of ?part ; ex:quantity ?quantity . ?part ex:name ?name } GROUP BY ?part ?name ORDER BY ?part`;
const WANTED = [['1', 'Box', '12'], ['2', 'Lid, <b>"wide"</b> & é\r\n', '20'], ['3', 'Screw', '100']]
  .map(([part, ...rest]) => [`https://demo.example/part/${part}`, ...rest]);

async function rows(query, sources, variables) {
  const stream = await engine.queryBindings(query, { sources });
  const bindings = await stream.toArray();
  return bindings.map(row => variables.map(name => row.get(name)?.value));
}

// Told what it is, and left to find out by the service description.
for (const source of [{ type: 'sparql', value: endpoint }, endpoint]) {
  const what = typeof source === 'string' ? 'found out' : 'told';
  equal(await rows(TOTALS, [source], ['part', 'name', 'total']), WANTED, what);
  equal(await engine.queryBoolean(`${PREFIX} ASK { ?s ex:name "Box" }`, { sources: [source] }), true, what);
  const quads = await (await engine.queryQuads(
    `${PREFIX} CONSTRUCT { ?run ex:made ?name } WHERE { ?run ex:of ?part . ?part ex:name ?name }`,
    { sources: [source] })).toArray();
  equal(quads.map(quad => quad.object.value).sort(), ['Box', 'Box', WANTED[1][1], 'Screw'], what);
  const inGraphs = `${PREFIX} SELECT DISTINCT ?g { GRAPH ?g { ?part ex:name ?name } }`;
  equal(await rows(inGraphs, [source], ['g']), [['urn:weft:source:erp']], what);
}

// Two sources: the endpoint and one of its own graphs as a document, joined by Comunica, with keys it sends.
const graph = endpoint.replace(/sparql$/, 'graphs?graph=urn%3Aweft%3Asource%3Ames');
const joined = `${PREFIX} SELECT ?run ?name { ?run ex:of ?part . ?part ex:name ?name } ORDER BY ?run`;
equal((await rows(joined, [endpoint, graph], ['name'])).map(([name]) => name).sort(),
  ['Box', 'Box', 'Box', 'Box', WANTED[1][1], WANTED[1][1], 'Screw', 'Screw'].sort());

await rejects(engine.queryVoid('INSERT DATA { <urn:a> <urn:b> <urn:c> }',
  { sources: [endpoint], destination: { type: 'sparql', value: endpoint } }), /403/);
console.log('Comunica ok');
