/*
 * The service that consumes, and does nothing but count.
 *
 *     GET /expect?count=     so many messages will come; the first ones are held until
 *     GET /go                says that all are there
 *     GET /counted           { begun, tenthAt, endAt }: how many have begun; when a tenth, and all of them, had
 */
let expected = Number.POSITIVE_INFINITY;
let begun = 0;
let tenthAt = 0;
let endAt = 0;
let held: PromiseWithResolvers<void> | undefined;

export default {
  consume(): unknown {
    begun++;
    if (begun === expected) endAt = performance.now();
    else if (begun * 10 === expected) tenthAt = performance.now();
    return held?.promise;
  },
  fetch(request: Request): Response {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/expect") {
      expected = Number(searchParams.get("count"));
      held = Promise.withResolvers();
    }
    if (pathname === "/go") {
      held?.resolve();
      held = undefined;
    }
    return Response.json({ begun, tenthAt, endAt });
  },
};
