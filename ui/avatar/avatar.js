/* The module that pages load: the faces that ship with the project, and createAvatar. */

import { plain } from "./plain.js";
import { createAvatar } from "./registry.js";
import { xiaohu } from "./xiaohu.js";

window.jiamenkouAvatars.register("plain", plain);
window.jiamenkouAvatars.register("xiaohu", xiaohu);

export { createAvatar };
