"""pyoxigraph against the endpoint given as the first argument: its SERVICE as a client, its parsers on every answer."""

import sys
import urllib.error
import urllib.parse
import urllib.request

from pyoxigraph import (Literal, NamedNode, QueryResultsFormat, RdfFormat, Store, parse, parse_query_results)

from expected import *

endpoint = sys.argv[1]
base = endpoint.rsplit("/", 1)[0]


def fetch(url, accept):
    with urllib.request.urlopen(urllib.request.Request(url, headers={"accept": accept})) as response:
        equal(f"the type of {accept}", response.headers.get_content_type(), accept)
        return response.read()


def ask(query, accept):
    return fetch(endpoint + "?" + urllib.parse.urlencode({"query": query}), accept)


def graph(document, accept):
    return {(q.subject, q.predicate, q.object) for q in parse(document, format=RdfFormat.from_media_type(accept))}


WANTED = [(NamedNode(part), Literal(name), Literal(total)) for part, name, total in TOTALS_ROWS]
for accept in ("application/sparql-results+json", "application/sparql-results+xml", "text/tab-separated-values"):
    parsed = parse_query_results(ask(TOTALS, accept), format=QueryResultsFormat.from_media_type(accept))
    equal(f"totals as {accept}", [tuple(row) for row in parsed], WANTED)
    answer = parse_query_results(ask(ASK_YES, accept), format=QueryResultsFormat.from_media_type(accept))
    equal(f"ASK as {accept}", bool(answer), True)

GRAPHS = ("text/turtle", "application/n-triples", "application/rdf+xml", "application/ld+json")
CONSTRUCTED_TERMS = {(NamedNode(s), NamedNode(p), Literal(o)) for s, p, o in CONSTRUCTED}
wholes = set()
for accept in GRAPHS:
    equal(f"CONSTRUCT as {accept}", graph(ask(CONSTRUCT, accept), accept), CONSTRUCTED_TERMS)
    wholes.add(frozenset(graph(fetch(f"{base}/graphs?graph={ERP}", accept), accept)))
    description = graph(fetch(endpoint, accept), accept)
    names = {o.value for _, p, o in description if p.value.endswith("service-description#name")}
    equal(f"graphs of the service description as {accept}", {ERP, MES} <= names, True)
    void = graph(fetch(f"{base}/.well-known/void", accept), accept)
    properties = {o.value for _, p, o in void if p.value == "http://rdfs.org/ns/void#property"}
    equal(f"properties of VoID as {accept}", {EX + "name", EX + "of", EX + "quantity"} <= properties, True)
equal("one graph in all formats", len(wholes), 1)

# The client in pyoxigraph: a federated query from there, with bindings, against the broker.
store = Store()
store.update(f'INSERT DATA {{ <{PART}2> <urn:note> "fragile" }}')
rows = store.query(PREFIXES + f"""SELECT ?note ?total {{ ?part <urn:note> ?note . SERVICE <{endpoint}> {{
    SELECT ?part (SUM(?quantity) AS ?total) {{ ?run ex:of ?part ; ex:quantity ?quantity }} GROUP BY ?part }} }}""")
equal("SERVICE from pyoxigraph", [(row["note"].value, row["total"].value) for row in rows], [("fragile", "20")])

error = fails("a graph that is none", urllib.error.HTTPError, lambda: fetch(f"{base}/graphs?graph=urn:none", "text/turtle"))
equal("its status", error.code, 404)
print("pyoxigraph ok")
