"""Pictures of pages in a fresh browser (headless Chromium), and what its console says of each.

python benchmarks/screenshots.py FOLDER NAME=ADDRESS...
"""

import argparse
import asyncio
import base64
import subprocess
import tempfile
from pathlib import Path

import aiohttp

BROWSERS = ("/usr/bin/chromium", "/usr/bin/google-chrome")


async def picture(browser, address, file, *, size, seconds, script):
    """Open a page, wait, and write what it shows; return what the console says of errors."""
    said = []
    async with aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{browser}/json/new?about:blank"
        async with session.put(url) as answer:
            page = await answer.json()
        async with session.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=0) as socket:
            number = 0

            async def call(method, **params):
                nonlocal number
                number += 1
                await socket.send_json({"id": number, "method": method, "params": params})
                async for message in socket:
                    found = message.json()
                    note(found)
                    if found.get("id") == number:
                        return found.get("result", {})
                raise ConnectionError("the browser has ended")

            def note(found):
                params = found.get("params", {})
                if found.get("method") == "Runtime.consoleAPICalled" and params["type"] == "error":
                    said.append(" ".join(str(a.get("value", a.get("description"))) for a in params["args"]))
                elif found.get("method") == "Log.entryAdded" and params["entry"]["level"] == "error":
                    said.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
                elif found.get("method") == "Runtime.exceptionThrown":
                    said.append(params["exceptionDetails"].get("exception", {}).get("description", "?"))

            width, height = size
            for domain in ("Page", "Runtime", "Log"):
                await call(f"{domain}.enable")
            await call(
                "Emulation.setDeviceMetricsOverride",
                width=width,
                height=height,
                deviceScaleFactor=1,
                mobile=width < 600,
            )
            await call("Page.navigate", url=address)
            end = asyncio.get_running_loop().time() + seconds
            while (left := end - asyncio.get_running_loop().time()) > 0:
                try:
                    note(await socket.receive_json(timeout=left))
                except TimeoutError:
                    break
            if script:
                await call("Runtime.evaluate", expression=script)
                await asyncio.sleep(2)
            shot = await call("Page.captureScreenshot", format="png")
            file.write_bytes(base64.b64decode(shot["data"]))
    return said


def main():
    """Take the pictures, one after the other, each in a fresh profile."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("pages", nargs="+", metavar="NAME=ADDRESS")
    parser.add_argument("--size", default="1600x1000")
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--script", default="", help="JavaScript to run in the page before the picture")
    arguments = parser.parse_args()
    size = tuple(map(int, arguments.size.split("x")))
    arguments.folder.mkdir(parents=True, exist_ok=True)
    program = next(path for path in BROWSERS if Path(path).exists())
    for page in arguments.pages:
        name, _, address = page.partition("=")
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
            options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0"]
            browser = subprocess.Popen(
                [program, *options, f"--user-data-dir={profile}", "about:blank"], stderr=subprocess.DEVNULL
            )
            try:
                port = wait_for(Path(profile, "DevToolsActivePort"))
                file = arguments.folder / f"{name}.png"
                said = asyncio.run(
                    picture(
                        port, address, file, size=size, seconds=arguments.seconds, script=arguments.script
                    )
                )
            finally:
                browser.kill()
                browser.wait()
        print(f"{file}: {len(said)} errors in the console")
        print("".join(f"  {line[:300]}\n" for line in dict.fromkeys(said)), end="")


def wait_for(file):
    """Return the port that the browser has written down."""
    import time

    for _ in range(300):
        if file.exists() and (text := file.read_text().strip()):
            return int(text.splitlines()[0])
        time.sleep(0.1)
    raise TimeoutError("the browser has not begun")


if __name__ == "__main__":
    main()
