// The kiosk's page: joins its parts, and knows what each button does.
import { AnswerCard } from "/ui/kiosk/answer.js";
import { Attract } from "/ui/kiosk/attract.js";
import { Face } from "/ui/kiosk/face.js";
import { Keyboard } from "/ui/kiosk/keyboard.js";
import { Person } from "/ui/kiosk/person.js";
import { Screen, pages } from "/ui/kiosk/screen.js";
import { Session, wipeBrowser } from "/ui/kiosk/session.js";
import { Staff } from "/ui/kiosk/staff.js";
import { Watchdog } from "/ui/kiosk/watchdog.js";

function start(root) {
  const config = JSON.parse(document.getElementById("kiosk-config").textContent);
  const screen = new Screen(root, config);
  const look = pages(root);
  let session = null;
  let agreed = false; // to be recorded, in this session
  const face = new Face(screen.find(".k-avatar"), () => (session ? session.player.clock : performance.now() / 1000));
  const card = new AnswerCard(screen, face, look);
  const keyboard = new Keyboard(screen, (text) => session.put(text));
  const person = new Person(screen, () => session);
  session = new Session({ screen, face, card, keyboard, person }, () => {
    agreed = false;
    attract.show();
    watchdog.left();
  }, () => watchdog.look());
  const attract = new Attract(screen, face, () => {
    attract.hide();
    session.begin(!config.recording);
    if (config.recording) screen.open(".k-consent-dialog");
    else screen.find("#k-card").focus({ preventScroll: true });
  });
  const watchdog = new Watchdog(screen, () => attract.on && !screen.find("dialog[open]"), (anew) => session.came(anew));
  const staff = new Staff(screen, session, face, () => session.end());
  const actions = {
    pinyin: () => screen.setPinyin(!screen.pinyin),
    contrast: () => screen.setContrast(!screen.contrast),
    repeat: () => session.repeat(),
    hush: () => session.order("cancel"),
    slower: () => session.slower(),
    louder: () => session.louder(),
    bigger: () => {
      session.tell(screen.bigger());
      look();
    },
    person: () => person.open(),
    end: () => session.end(),
    talk: () => {
      if (config.recording && !agreed) screen.open(".k-consent-dialog");
      else session.toggleListening();
    },
    type: () => keyboard.open(),
    topics: () => card.goHome(),
    article: () => card.openArticle(),
    print: () => card.print(),
    rate: (button) => card.rate(button.dataset.rate === "good"),
    close: (button) => button.closest("dialog").close(),
    "still-here": () => session.stillHere(),
    "consent-yes": (button) => {
      agreed = true;
      button.closest("dialog").close();
      session.toggleListening();
    },
    "consent-no": (button) => button.closest("dialog").close(),
  };
  root.addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (!button) return;
    const { language, ask, do: action } = button.dataset;
    if (language && button.closest(".k-options")) screen.setLanguage(language);
    else if (button.classList.contains("k-correct")) session.correct();
    else if (ask && session.active) session.put(ask);
    else if (actions[action]) actions[action](button);
  });
  for (const type of ["contextmenu", "dragstart", "gesturestart"]) root.addEventListener(type, (event) => event.preventDefault());

  window.jiamenkouKiosk = { screen, face, card, keyboard, person, session, attract, watchdog, staff }; // for tests and for looking
  attract.show();
  wipeBrowser();
  root.dataset.ready = "true";
  requestIdleCallback(() => keyboard.load(), { timeout: 3000 });
}

start(document.getElementById("kiosk"));
