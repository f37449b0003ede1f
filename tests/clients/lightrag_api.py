"""Drives the memory's HTTP face with the package `lightrag-api` from PyPI, for the tests: `lightrag_api.py URL`, the key in
LIGHTRAG_KEY. The package reads every answer into LightRAG's own shapes and refuses others."""

import asyncio
import os
import sys

from lightrag.api import AsyncLightRagClient, LightRagError, LightRagHttpError

TEXT = "The Bakery opens at seven. Anna Baker decided in src/hours.rs that Sunday is closed."
MODES = ["naive", "local", "global", "hybrid", "mix"]


async def refused(call):
    try:
        await call
    except (LightRagError, LightRagHttpError, ValueError):
        return
    raise AssertionError("it was not refused")


async def main():
    client = AsyncLightRagClient(sys.argv[1], api_key=os.environ["LIGHTRAG_KEY"])
    assert (await client.get_health())["status"] == "healthy"
    taken = await client.insert_text(TEXT, "docs/hours.md")
    track = await client.get_track_status(taken.track_id)
    assert track.total_count == 1 and track.documents[0].status == "processed", track
    await client.insert_texts(["Rye only.", "One more."], ["rye.md", "more.md"])
    assert (await client.get_status_counts()).status_counts["processed"] == 3
    assert not (await client.get_pipeline_status()).busy
    assert len((await client.get_documents()).statuses["processed"]) == 3
    page = await client.get_documents_paginated(page=1, page_size=10)
    assert page.pagination.total_count == 3, page
    for mode in MODES:
        told = await client.query("When does the Bakery open?", mode=mode)
        assert "opens at seven" in told.response, (mode, told)
        data = await client.query_data("When does the Bakery open?", mode=mode)
        assert data.data["chunks"][0]["file_path"] == "docs/hours.md", (mode, data)
    labels = await client.get_graph_labels()
    assert "src/hours.rs" in labels, labels
    assert await client.get_popular_labels(5)
    assert "src/hours.rs" in await client.search_labels("hours", 5)
    graph = await client.get_knowledge_graph("src/hours.rs", 2, 50)
    assert graph["nodes"] and graph["edges"], graph
    assert (await client.check_entity_exists("src/hours.rs"))["exists"]
    await client.create_entity("Anna B.", {"entity_type": "person", "description": "bakes"})
    await client.create_entity("Berta", {"entity_type": "person", "description": "bakes"})
    await client.create_relation("Berta", "src/hours.rs", {"description": "keeps the hours", "keywords": "keeps"})
    await client.update_relation("Berta", "src/hours.rs", {"description": "wrote the hours"})
    await client.update_entity("Berta", {"description": "bakes well"})
    await client.merge_entities(["Berta"], "Anna B.")
    assert not (await client.check_entity_exists("Berta"))["exists"]
    assert (await client.delete_relation("Anna B.", "src/hours.rs")).status == "success"
    assert (await client.delete_entity("Anna B.")).status == "success"
    assert (await client.delete_document([page.documents[0].id])).status == "deletion_started"
    assert (await client.clear_cache()).status == "success"
    assert (await client.cancel_pipeline()).status == "not_busy"
    await client.reprocess_failed()
    await refused(client.scan_documents())
    await refused(AsyncLightRagClient(sys.argv[1], api_key="guess").get_status_counts())
    assert (await client.clear_documents()).status == "success"
    assert (await client.get_status_counts()).status_counts["all"] == 0
    print("all was as it should be")


asyncio.run(main())
