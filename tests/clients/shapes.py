"""The shapes of ontology/shapes.ttl over what a broker answers, with pySHACL: shapes.py ENDPOINT SHAPES.

Everything of Weft's own words is read by one CONSTRUCT. The thread must conform; and with each of some faults put into it,
it must not, for the reason of that shape."""

import sys
import urllib.parse
import urllib.request

from pyshacl import validate
from rdflib import RDF, BNode, Graph, Literal, Namespace, URIRef

WEFT = Namespace("https://weft.dev/ns#")
SH = Namespace("http://www.w3.org/ns/shacl#")

THREAD = """
CONSTRUCT { ?s ?p ?o } WHERE {
  ?s ?p ?o
  FILTER (STRSTARTS(STR(?p), "https://weft.dev/ns#")
    || (?p = <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> && STRSTARTS(STR(?o), "https://weft.dev/ns#")))
}"""


def thread(endpoint):
    body = urllib.parse.urlencode({"query": THREAD}).encode()
    request = urllib.request.Request(endpoint, body, {"Accept": "application/n-triples"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return Graph().parse(data=answer.read().decode(), format="nt")


def messages(data, shapes):
    conforms, report, text = validate(data, shacl_graph=shapes, advanced=False, meta_shacl=False)
    found = {str(message) for message in report.objects(None, SH.resultMessage)}
    assert conforms == (not found), text
    return found, text


def some(data, kind):
    return sorted(data.subjects(RDF.type, WEFT[kind]))[0]


def faults(data):
    """A change, and a word of the message it must lead to."""
    yield [(BNode(), RDF.type, WEFT.Part)], "has an IRI"
    part = some(data, "Part")
    yield [(part, RDF.type, WEFT.Item)], "a part is designed"
    revision = some(data, "PartRevision")
    yield [(revision, WEFT.revisionOf, URIRef("urn:another"))], "exactly one part"
    yield [(URIRef("urn:usage"), RDF.type, WEFT.PartUsage), (URIRef("urn:usage"), WEFT.usedIn, revision)], "weft:usesPart"
    operation = some(data, "Operation")
    yield [(operation, WEFT.performedOn, URIRef("urn:nowhere"))], "one piece of equipment"
    yield [(operation, WEFT.ranProgram, part)], "is an artifact"
    yield [(some(data, "Lot"), WEFT.suppliedBy, part)], "one organization"
    yield [(some(data, "Item"), RDF.type, WEFT.Lot)], "one physical thing"
    yield [(URIRef("urn:report"), RDF.type, WEFT.Nonconformance)], "is about something"
    observation = some(data, "Observation")
    yield [(observation, WEFT.hasResult, Literal(1)), (observation, WEFT.hasResult, Literal(2))], "one result at most"


def main(endpoint, path):
    shapes = Graph().parse(path, format="turtle")
    data = thread(endpoint)
    kinds = {kind for kind in data.objects(None, RDF.type)}
    assert len(kinds) >= 10, sorted(kinds)
    # Thousands of samples are alike: a few of each kind are looked at for each fault.
    found, text = messages(data, shapes)
    assert not found, text
    small = Graph()
    for kind in kinds:
        for thing in sorted(data.subjects(RDF.type, kind))[:3]:
            for triple in data.triples((thing, None, None)):
                small.add(triple)
    # What these refer to is of its class still.
    for thing in set(small.objects()):
        for triple in data.triples((thing, RDF.type, None)):
            small.add(triple)
    for change, word in faults(small):
        wrong = Graph()
        for triple in list(small) + change:
            wrong.add(triple)
        told, text = messages(wrong, shapes)
        assert any(word in message for message in told), f"{word!r} is not among {told}"
    print(f"{len(data)} statements of {len(kinds)} kinds conform")


main(*sys.argv[1:3])
