# SPDX-License-Identifier: BSD-2-Clause
"""Elasticsearch and OpenSearch over plain HTTP; the bytes of _source are cut out of the answers untouched."""
import json

import requests

ANY = {"mappings": {"enabled": False}}  # takes every JSON object


class Search:
    def __init__(self, url):
        self.url = url
        self.http = requests.Session()

    def call(self, method, path, body=None, ok=(200, 201)):
        kind = {"Content-Type": "application/json"}
        data = json.dumps(body) if isinstance(body, dict) else body
        answer = self.http.request(method, f"{self.url}/{path}", data=data, headers=kind, timeout=60)
        assert answer.status_code in ok, answer.text[:2000]
        return answer

    def create(self, index, body=ANY):
        settings = {"settings": {"number_of_shards": 1, "number_of_replicas": 0}}
        self.call("PUT", index, {**settings, **body})
        return index

    def create_held(self, index, body=ANY):
        """Takes no document until let_go(): each write waits for a copy that no node has, then fails for the moment."""
        held = {"number_of_shards": 1, "number_of_replicas": 1, "write.wait_for_active_shards": 2}
        self.call("PUT", f"{index}?wait_for_active_shards=1", {"settings": held, **body})

    def let_go(self, index):
        self.call("PUT", f"{index}/_settings", {"write.wait_for_active_shards": 1})

    def exists(self, index):
        return self.call("HEAD", index, ok=(200, 404)).status_code == 200

    def put(self, index, doc_id, source):
        """One document through the document interface, which keeps its line feeds."""
        self.call("PUT", f"{index}/_doc/{doc_id}", source)

    def refresh(self, index):
        self.call("POST", f"{index}/_refresh")

    def count(self, index):
        answer = self.call("GET", f"{index}/_count?ignore_unavailable=true")
        return answer.json()["count"]

    def ids(self, index):
        """_id of every document."""
        self.refresh(index)
        assert self.count(index) <= 10000
        hits = self.call("GET", f"{index}/_search?size=10000&_source=false&filter_path=hits.hits._id").json()
        return [h["_id"] for h in hits.get("hits", {}).get("hits", [])]

    def source(self, index, doc_id):
        """The exact bytes of one document."""
        return self.call("GET", f"{index}/_source/{requests.utils.quote(doc_id, safe='')}").content

    def sources(self, index):
        """{_id: exact bytes} of a small index."""
        return {i: self.source(index, i) for i in self.ids(index)}

    def all(self, index):
        """(_id, bytes of _source) of every document of a larger index; the sources must be JSON as json.dumps writes it."""
        self.refresh(index)
        page = self.call("POST", f"{index}/_search?scroll=1m", {"size": 5000, "sort": ["_doc"]}).json()
        while page["hits"]["hits"]:
            for hit in page["hits"]["hits"]:
                yield hit["_id"], json.dumps(hit["_source"], separators=(",", ":")).encode()
            page = self.call("POST", "_search/scroll", {"scroll": "1m", "scroll_id": page["_scroll_id"]}).json()

    def delete(self, index):
        self.call("DELETE", index, ok=(200, 404))
