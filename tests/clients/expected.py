"""The data of the sources the scripts ask, and how they say what is wrong."""

import sys

EX = "https://demo.example/vocab#"
PART = "https://demo.example/part/"
ERP = "urn:weft:source:erp"
MES = "urn:weft:source:mes"
XSD = "http://www.w3.org/2001/XMLSchema#"
NAMES = {"1": "Box", "2": "Lid, <b>\"wide\"</b> & é\r\n", "3": "Screw"}

PREFIXES = f"PREFIX ex: <{EX}>\n"
# Joins both sources; one row a part, ordered.
TOTALS = PREFIXES + """
SELECT ?part ?name (SUM(?quantity) AS ?total) {
  ?run ex:of ?part ; ex:quantity ?quantity .
  ?part ex:name ?name
} GROUP BY ?part ?name ORDER BY ?part
"""
TOTALS_ROWS = [(PART + "1", NAMES["1"], 12), (PART + "2", NAMES["2"], 20), (PART + "3", NAMES["3"], 100)]
# Screws have no price.
PRICES = PREFIXES + "SELECT ?part ?price { ?part ex:name ?name OPTIONAL { ?part ex:price ?price } } ORDER BY ?part"
ASK_YES = PREFIXES + 'ASK { ?part ex:name "Box" }'
ASK_NO = PREFIXES + 'ASK { ?part ex:name "Bux" }'
CONSTRUCT = PREFIXES + "CONSTRUCT { ?run ex:made ?name } WHERE { ?run ex:of ?part . ?part ex:name ?name }"
CONSTRUCTED = {(f"https://demo.example/run/{run}", EX + "made", NAMES[part])
               for run, part in [(10, "1"), (11, "1"), (12, "2"), (13, "3")]}
DESCRIBE = f"DESCRIBE <{PART}1>"
# Statements about parts and their names are in this graph only.
IN_ERP = PREFIXES + "SELECT ?g { GRAPH ?g { ?part ex:name ?name } } GROUP BY ?g"


def equal(what, found, wanted):
    if found != wanted:
        sys.exit(f"{what}: found {found!r}, wanted {wanted!r}")


def fails(what, kind, action):
    """Checks that the action raises this kind of error, and returns the error."""
    try:
        result = action()
    except kind as error:
        return error
    sys.exit(f"{what}: no {kind} but {result!r}")
