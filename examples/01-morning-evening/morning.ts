export default {
  fetch: () => new Response("Good morning!\n"),
};
