"""Drives one MCP server with the SDK from PyPI, for the tests: `client.py URL`, the token in LOOPWRIGHT_TOKEN.

Each line of stdin is one thing to do, as JSON: {"list": true}, or {"tool": NAME, "args": {…}, "progress": bool}. Each gets one
line on stdout. The client stays the same all the while.
"""

import asyncio
import json
import os
import sys

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client


async def one(client, asked):
    if "list" in asked:
        listed = await client.list_tools()
        tools = {tool.name: tool.output_schema is not None for tool in listed.tools}
        return {"tools": tools, "protocol": client.protocol_version}
    progress = []

    async def tell(done, total, message):
        progress.append(message)

    wants = tell if asked.get("progress") else None
    result = await client.call_tool(asked["tool"], asked["args"], progress_callback=wants)
    text = "".join(block.text for block in result.content if block.type == "text")
    return {"error": bool(result.is_error), "told": result.structured_content, "text": text, "progress": progress}


async def main():
    headers = {"Authorization": "Bearer " + os.environ["LOOPWRIGHT_TOKEN"]}
    async with httpx2.AsyncClient(headers=headers, timeout=90, trust_env=False) as http:
        async with Client(streamable_http_client(sys.argv[1], http_client=http)) as client:
            loop = asyncio.get_running_loop()
            while line := await loop.run_in_executor(None, sys.stdin.readline):
                try:
                    answer = await one(client, json.loads(line))
                except Exception as e:  # what goes wrong is an answer too
                    answer = {"failed": f"{type(e).__name__}: {e}"}
                print(json.dumps(answer), flush=True)


asyncio.run(main())
