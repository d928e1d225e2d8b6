#!/usr/bin/env bash
# curl against the endpoint given as the first argument: the protocol as it is on the wire.
set -euo pipefail
endpoint=$1 base=${1%/sparql}
ask='PREFIX ex: <https://demo.example/vocab#> ASK { ?s ex:name "Box" }'
names='PREFIX ex: <https://demo.example/vocab#> SELECT ?name { ?s ex:name ?name } ORDER BY ?s LIMIT 1'
construct='PREFIX ex: <https://demo.example/vocab#> CONSTRUCT WHERE { ?s ex:quantity ?q }'

equal() { # what found wanted
  [ "$2" = "$3" ] || { printf '%s: found %q, wanted %q\n' "$1" "$2" "$3" >&2; exit 1; }
}
curl() { command curl --silent --show-error --max-time 30 "$@"; }
status() { curl --output /dev/null --write-out '%{http_code} %{content_type}' "$@"; }
header() { # name arguments
  local name=$1; shift
  curl --output /dev/null --dump-header - "$@" | tr -d '\r' | sed -n "s/^$name: //Ip"
}

yes='{"head":{},"boolean":true}'
json='accept: application/sparql-results+json'
equal 'GET' "$(curl --get --header "$json" --data-urlencode "query=$ask" "$endpoint")" "$yes"
equal 'POST of a form' "$(curl --header "$json" --data-urlencode "query=$ask" "$endpoint")" "$yes"
equal 'POST of a query' \
  "$(curl --header "$json" --header 'content-type: application/sparql-query' --data-binary "$ask" "$endpoint")" "$yes"
equal 'without a wish' "$(status --get --data-urlencode "query=$ask" "$endpoint")" '200 application/sparql-results+json'
equal 'CSV' "$(curl --header 'accept: text/csv' --data-urlencode "query=$names" "$endpoint")" $'name\r\nBox\r'
for type in 'application/sparql-results+json' 'application/sparql-results+xml' 'text/csv; charset=utf-8' \
    'text/tab-separated-values; charset=utf-8'; do
  equal "$type" "$(status --header "accept: ${type%%;*}" --data-urlencode "query=$names" "$endpoint")" "200 $type"
done
for type in 'text/turtle; charset=utf-8' 'application/n-triples' 'application/ld+json' 'application/rdf+xml'; do
  equal "$type" "$(status --header "accept: ${type%%;*}" --data-urlencode "query=$construct" "$endpoint")" "200 $type"
done
equal 'q-values' "$(status --header 'accept: text/csv;q=0.4, application/sparql-results+xml;q=0.9' \
  --data-urlencode "query=$names" "$endpoint")" '200 application/sparql-results+xml'
equal 'a wish for nothing there is' "$(status --header 'accept: image/png' --data-urlencode "query=$names" "$endpoint")" \
  '406 application/problem+json'
equal 'a query that is none' "$(status --data-urlencode 'query=SELECT' "$endpoint")" '400 application/problem+json'
equal 'an update' "$(status --data-urlencode 'update=CLEAR ALL' "$endpoint")" '403 application/problem+json'
equal 'a body of another kind' "$(status --header 'content-type: text/plain' --data "$ask" "$endpoint")" \
  '415 application/problem+json'
equal 'another method' "$(status --request DELETE "$endpoint")" '405 application/problem+json'
equal 'what is allowed' "$(header allow --request OPTIONS "$endpoint")" 'GET, HEAD, POST, OPTIONS'
equal 'HEAD' "$(header content-type --head "$endpoint")" 'text/turtle; charset=utf-8'
equal 'the service description' "$(status "$endpoint")" '200 text/turtle; charset=utf-8'
equal 'VoID' "$(status --header 'accept: application/ld+json' "$base/.well-known/void")" '200 application/ld+json'
equal 'a graph' "$(status "$base/graphs?graph=urn:weft:source:erp")" '200 text/turtle; charset=utf-8'
equal 'the default graph' "$(curl --header 'accept: application/n-triples' "$base/graphs?default" |
  grep -c '<https://demo.example/vocab#quantity>')" 4
equal 'a graph that is none' "$(status "$base/graphs?graph=urn:none")" '404 application/problem+json'
equal 'a graph to write' "$(status --request PUT "$base/graphs?graph=urn:weft:source:erp")" '405 application/problem+json'
equal 'what is allowed there' "$(header allow --request POST "$base/graphs?default")" 'GET, HEAD, OPTIONS'
preflight=(--request OPTIONS --header 'access-control-request-method: POST')
equal 'a page that may' "$(header access-control-allow-origin "${preflight[@]}" --header 'origin: https://app.example' \
  "$endpoint")" 'https://app.example'
equal 'a page that may not' "$(header access-control-allow-origin "${preflight[@]}" --header 'origin: https://evil.example' \
  "$endpoint")" ''
equal 'no time at all' "$(status --data-urlencode "query=$names" --data timeout=1ms "$endpoint")" \
  '504 application/problem+json'
equal 'HTTP/2' "$(curl --http2-prior-knowledge --header "$json" --data-urlencode "query=$ask" \
  --write-out ' %{http_version}' "$endpoint")" "$yes 2"
echo 'curl ok'
