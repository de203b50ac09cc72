// Voice is a module of its own; this joins it to the component. It triggers "voiced".
import("/ui/voice.js").then(({ attach }) => {
  const voice = attach(element, () => props.value, (turn) => trigger("voiced", turn));
  watch("value", () => voice.changed());
});
