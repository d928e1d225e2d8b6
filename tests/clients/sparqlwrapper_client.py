"""SPARQLWrapper against the endpoint given as the first argument: every way to send, every format to get."""

import csv
import io
import sys

import rdflib
from SPARQLWrapper import CSV, GET, JSON, JSONLD, N3, POST, POSTDIRECTLY, RDFXML, TSV, TURTLE, URLENCODED, XML, SPARQLWrapper
from SPARQLWrapper.SPARQLExceptions import EndPointNotFound, QueryBadFormed

from expected import *

endpoint = sys.argv[1]


def ask(query, return_format, method=GET, request=URLENCODED, prepare=lambda wrapper: None):
    wrapper = SPARQLWrapper(endpoint)
    wrapper.setQuery(query)
    wrapper.setReturnFormat(return_format)
    wrapper.setMethod(method)
    wrapper.setRequestMethod(request)
    prepare(wrapper)
    return wrapper.queryAndConvert()


def bindings(document):
    return [tuple(row[name]["value"] if name in row else None for name in document["head"]["vars"])
            for row in document["results"]["bindings"]]


TEXT = [tuple(str(cell) for cell in row) for row in TOTALS_ROWS]
for method, request in ((GET, URLENCODED), (POST, URLENCODED), (POST, POSTDIRECTLY)):
    way = f"{method} {request}"
    equal(f"JSON by {way}", bindings(ask(TOTALS, JSON, method, request)), TEXT)
    xml = ask(TOTALS, XML, method, request)
    literals = [node.firstChild.data for node in xml.getElementsByTagName("literal")]
    equal(f"XML by {way}", literals, [cell for row in TEXT for cell in row[1:]])
    table = ask(TOTALS, CSV, method, request).decode()
    equal(f"CSV by {way}", [tuple(row) for row in csv.reader(io.StringIO(table, newline=""))][1:], TEXT)
    lines = ask(TOTALS, TSV, method, request).decode().splitlines()
    equal(f"TSV by {way}", (lines[0], len(lines)), ("?part\t?name\t?total", 4))
    equal(f"ASK by {way}", ask(ASK_YES, JSON, method, request)["boolean"], True)

for return_format in (TURTLE, N3, RDFXML, XML, JSONLD):
    graph = ask(CONSTRUCT, return_format)
    if isinstance(graph, bytes):  # which is not parsed
        graph = rdflib.Graph().parse(data=graph, format="turtle")
    equal(f"CONSTRUCT as {return_format}", {(str(s), str(p), str(o)) for s, p, o in graph}, CONSTRUCTED)
described = ask(DESCRIBE, RDFXML)
equal("DESCRIBE", "Box" in {str(o) for o in described.objects()}, True)

equal("default graph", len(bindings(ask(PREFIXES + "SELECT * { ?s ex:name ?n }", JSON,
      prepare=lambda wrapper: wrapper.addDefaultGraph(ERP)))), 3)
equal("another default graph", bindings(ask(PREFIXES + "SELECT * { ?s ex:name ?n }", JSON,
      prepare=lambda wrapper: wrapper.addDefaultGraph(MES))), [])
equal("named graphs", bindings(ask(IN_ERP, JSON, prepare=lambda wrapper: wrapper.addNamedGraph(ERP))), [(ERP,)])
equal("other named graphs", bindings(ask(IN_ERP, JSON, prepare=lambda wrapper: wrapper.addNamedGraph(MES))), [])
# The graph is one and the same in all rows, and there is no row: no group, and not one that counts nothing.
counted = PREFIXES + 'SELECT ?g (COUNT(*) AS ?n) { GRAPH ?g { ?s ex:name "Bux" } } GROUP BY ?g'
equal("no group", bindings(ask(counted, JSON, prepare=lambda wrapper: wrapper.addNamedGraph(ERP))), [])
equal("a timeout", len(bindings(ask(TOTALS, JSON, prepare=lambda wrapper: wrapper.addParameter("timeout", "9s")))), 3)

fails("a query that is none", QueryBadFormed, lambda: ask("SELECT ?x {", JSON))
elsewhere = SPARQLWrapper(endpoint + "/elsewhere")
elsewhere.setQuery(TOTALS)
fails("a path that is none", EndPointNotFound, elsewhere.query)
update = SPARQLWrapper(endpoint)
update.setMethod(POST)
update.setQuery("INSERT DATA { <urn:a> <urn:b> <urn:c> }")
equal("the status of an update", fails("an update", Exception, update.query).code, 403)
print("SPARQLWrapper ok")
