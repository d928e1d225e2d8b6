"""rdflib's SPARQLStore and SPARQLConnector against the endpoint given as the first argument."""

import sys
import urllib.request
from decimal import Decimal

from rdflib import Dataset, Graph, Literal, URIRef
from rdflib.plugins.stores.sparqlconnector import SPARQLConnector
from rdflib.plugins.stores.sparqlstore import SPARQLStore, SPARQLUpdateStore

from expected import *

endpoint = sys.argv[1]


def python(row):
    return tuple(None if term is None else term.toPython() if isinstance(term, Literal) else str(term) for term in row)


for method in ("GET", "POST", "POST_FORM"):
    for return_format in ("json", "xml", "csv", "tsv"):
        store = SPARQLStore(endpoint, method=method, returnFormat=return_format)
        graph = Graph(store)
        rows = [python(row) for row in graph.query(TOTALS)]
        if return_format == "csv":  # which has no datatypes
            rows = [(part, name, int(total)) for part, name, total in rows]
        equal(f"totals by {method} as {return_format}", rows, TOTALS_ROWS)
        if return_format in ("json", "xml"):
            equal(f"ASK by {method} as {return_format}", graph.query(ASK_YES).askAnswer, True)
            equal(f"ASK by {method} as {return_format}", graph.query(ASK_NO).askAnswer, False)

graph = Graph(SPARQLStore(endpoint, returnFormat="json"))
equal("prices", [python(row)[1] for row in graph.query(PRICES)], [Decimal("12.50"), Decimal("3.20"), None])
part = URIRef(PART + "1")
equal("one object", graph.value(part, URIRef(EX + "name")), Literal("Box"))
equal("a triple that is there", (part, URIRef(EX + "active"), Literal(True)) in graph, True)
equal("a triple that is not", (part, URIRef(EX + "name"), Literal("Bux")) in graph, False)
equal("subjects", {str(s) for s in graph.subjects(URIRef(EX + "name"), None)}, {PART + n for n in NAMES})
equal("bindings", [python(row) for row in graph.query(
    PREFIXES + "SELECT ?name { ?part ex:name ?name }", initBindings={"part": part})], [("Box",)])

constructed = graph.query(CONSTRUCT).graph
equal("CONSTRUCT", {(str(s), str(p), str(o)) for s, p, o in constructed}, CONSTRUCTED)
described = graph.query(DESCRIBE).graph
equal("DESCRIBE", (part, URIRef(EX + "name"), Literal("Box")) in described, True)

# A graph with a name is asked by the dataset of the protocol.
erp = Graph(SPARQLStore(endpoint, returnFormat="json"), identifier=URIRef(ERP))
equal("names in the graph of the ERP", len(list(erp.query(PREFIXES + "SELECT ?n { ?s ex:name ?n }"))), 3)
mes = Graph(SPARQLStore(endpoint, returnFormat="json"), identifier=URIRef(MES))
equal("names in the graph of the MES", list(mes.query(PREFIXES + "SELECT ?n { ?s ex:name ?n }")), [])
contexts = {str(c.identifier) if isinstance(c, Graph) else str(c)
            for c in Dataset(store=SPARQLStore(endpoint, returnFormat="json")).store.contexts()}
equal("graphs", {ERP, MES} <= contexts, True)

connector = SPARQLConnector(query_endpoint=endpoint, returnFormat="xml")
equal("connector", [python(row) for row in connector.query(TOTALS)], TOTALS_ROWS)
fails("a query that is none", ValueError, lambda: connector.query("SELECT ?x {"))
store = SPARQLUpdateStore(endpoint, endpoint)
error = fails("an update", Exception, lambda: store.update("INSERT DATA { <urn:a> <urn:b> <urn:c> }"))
equal("its status", error.code, 403)

# rdflib reads the graphs as documents.
base = endpoint.rsplit("/", 1)[0]
TYPES = {"turtle": "text/turtle", "xml": "application/rdf+xml", "json-ld": "application/ld+json",
         "nt": "application/n-triples"}
for accept, media_type in TYPES.items():
    request = urllib.request.Request(f"{base}/graphs?graph={ERP}", headers={"accept": media_type})
    with urllib.request.urlopen(request) as response:
        document = Graph().parse(data=response.read(), format=accept)
    names = {str(s): str(o) for s, o in document.subject_objects(URIRef(EX + "name"))}
    equal(f"the graph of the ERP as {accept}", names, {PART + n: name for n, name in NAMES.items()})
print("rdflib ok")
