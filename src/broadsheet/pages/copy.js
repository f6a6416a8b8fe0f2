if (navigator.clipboard) {
  for (const button of document.querySelectorAll("button[data-address]")) {
    const name = button.textContent;
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(button.dataset.address);
        button.textContent = button.dataset.done;
        setTimeout(() => { button.textContent = name; }, 2000);
      } catch {
        getSelection().selectAllChildren(button.previousElementSibling);
      }
    });
  }
}
