// Ask without the voice line: one question, its events as they come.

// Yields {type: "started" | "text" | "answer" | "cancelled" | "error", …} as docs/http.md has them. Throws when
// the server can't be reached; a status that is no success comes as an "error" event.
export async function* ask(text, session, language, signal) {
  const reply = await fetch("/api/ask", {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "text/event-stream" },
    body: JSON.stringify({ text, session, language }),
    signal,
  });
  if (!reply.ok) {
    const told = await reply.json().catch(() => ({}));
    yield { type: "error", turn_id: 0, error: told.error || { message: "", hint: "" } };
    return;
  }
  const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    rest += value;
    const blocks = rest.split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const data = block.split("\n").filter((line) => line.startsWith("data:")).map((line) => line.slice(5)).join("\n");
      if (data) yield JSON.parse(data);
    }
  }
}

// Ask for JSON; null when the server can't be reached or says no.
export async function post(path, body) {
  try {
    const reply = await fetch(path, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
    });
    return reply.ok ? await reply.json() : null;
  } catch {
    return null;
  }
}
