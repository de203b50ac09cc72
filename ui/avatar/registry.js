/* The slot for faces: names and factories, and the one way to create a face. See docs/avatar.md. */

const factories = new Map();

/** Offer a face. `factory(container, options)` returns the methods listed in docs/avatar.md. */
function register(name, factory) {
  if (typeof name !== "string" || !name || typeof factory !== "function") {
    throw new TypeError("register(name, factory) needs a name and a function");
  }
  factories.set(name, factory);
}

/** Draw a face into `container`: options.name, else data-avatar, else "xiaohu". An unknown or broken one becomes "plain". */
export function createAvatar(container, options = {}) {
  const wanted = options.name || container.dataset.avatar || "xiaohu";
  const name = factories.has(wanted) ? wanted : "plain";
  let face;
  try {
    face = factories.get(name)(container, options);
  } catch (error) {
    console.error("avatar", name, error);
    container.replaceChildren();
    container.dataset.avatarShown = "plain";
    return factories.get("plain")(container, options);
  }
  container.dataset.avatarShown = name;
  return face;
}

window.jiamenkouAvatars = { register, create: createAvatar, names: () => [...factories.keys()] };
