/* The operator's plane of the floor: a thread of its own that answers HTTP. */
Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("pass") });
