"""Who each name is: every declaration of the loaded files, by kind and by either of its names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from policykit import ir
from policykit.diagnostics import Diagnostic, Language, did_you_mean
from policykit.source import Source, Span
from policykit.syntax import Declaration, DeclarationKind, Module, Word

#: kind → what it is called in messages (中文, English)
KIND_NAMES: dict[str, tuple[str, str]] = {
    "language": ("语言", "language"), "policy": ("政策", "policy"), "source": ("文本", "source"),
    "entity": ("实体", "entity"), "choice": ("选项", "choice"), "fact": ("事实", "fact"),
    "parameter": ("参数", "parameter"), "setting": ("参数值", "parameter value"), "sheet": ("参数表", "sheet"),
    "define": ("定义", "define"), "measure": ("待遇", "measure"), "act": ("行为", "act"),
    "amount": ("金额", "amount"), "clause": ("条款", "clause"), "exclusion": ("互斥", "exclusive"),
    "reading": ("口径", "reading"), "note": ("提示", "note"),
    "property": ("性质", "property"), "objective": ("目标", "objective"), "example": ("案例", "case"),
}  # fmt: skip

#: kind → (fields it must have, fields it may have); a field named here may be given once unless in REPEATED
FIELDS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    kind: (frozenset(must.split()), frozenset(may.split()) | {"english", "allow"})
    for kind, must, may in (
        ("language", "", ""),
        ("policy", "", ""),
        ("source", "", "document outline"),
        ("entity", "", "members records refers called known_from"),
        ("choice", "", ""),
        ("fact", "", "question range fixed sensitive evidence judgement"),
        ("parameter", "", "question range document cite reading readings"),
        ("setting", "", "document"),
        ("sheet", "", "document"),
        ("define", "", "body cite readings"),
        ("measure", "", ""),
        ("act", "", ""),
        ("amount", "grant", "cite readings monthly once part start_month months"),
        ("clause", "cite",
         "readings for_each scope when grant may_grant withhold duty ban listing referral finding monthly once part "
         "start_month months discretion above below confirm outside as_of application"),
        ("exclusion", "", "cite readings"),
        ("reading", "chosen", "cite refused see"),
        ("note", "say", "cite readings when urgent"),
        ("property", "then", "cite readings for_each suppose"),
        ("objective", "cite kind reason", ""),
        ("example", "", "on uses assume like given rest ruled expect columns row cite"),
    )
}  # fmt: skip

MOST_SEARCHES = 50

REPEATED = frozenset(
    [
        "cite",
        "members",
        "records",
        "refers",
        "part",
        "discretion",
        "refused",
        "readings",
        "confirm",
        "above",
        "below",
        "allow",
        "assume",
        "suppose",
        "given",
        "ruled",
        "expect",
        "row",
    ]
)
EFFECTS = ("grant", "may_grant", "withhold", "duty", "ban", "listing", "referral", "finding")


@dataclass(slots=True)
class Symbols:
    """The declarations of all files: `declared[kind][id]` are the versions of one name, `ids[kind]` finds the
    identifier for either name. Facts are kept under `entity.name`. `lost` are the names of what is declared but
    could not be understood: that fault is reported, and what only follows from it is not. `tied` says for each place
    where a name stands which of the declared names is meant."""

    declared: dict[str, dict[str, list[Declaration]]] = field(
        default_factory=lambda: {k: {} for k in KIND_NAMES}
    )
    ids: dict[str, dict[str, str]] = field(default_factory=lambda: {k: {} for k in KIND_NAMES})
    names: dict[tuple[str, str], ir.Name] = field(default_factory=dict)
    tied: dict[Span, ir.Name] = field(default_factory=dict)
    homes: dict[int, Module] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)
    _reported: set[Diagnostic] = field(default_factory=set)
    _searches: int = 0

    def find(self, kind: DeclarationKind, word: str) -> str | None:
        """The identifier of a declared thing of this kind, by either of its names."""
        return self.ids[kind].get(word)

    def tie(self, word: Word, name: ir.Name) -> None:
        """Notes that a word means this name."""
        if word.text in (name.zh, name.id):
            self.tied[word.span] = name

    def home(self, declaration: Declaration) -> Module:
        return self.homes[id(declaration)]

    def language(self, declaration: Declaration) -> Language:
        return self.homes[id(declaration)].language

    def source(self, declaration: Declaration) -> Source:
        return self.homes[id(declaration)].source

    def report(
        self, declaration: Declaration, code: str, span: Span, *fields: tuple[str, str], fix: str = ""
    ) -> None:
        """Adds a diagnostic about a place in a declaration."""
        module = self.homes[id(declaration)]
        excerpt = module.source.line(span.line) if span.line else ""
        found = Diagnostic(code, str(span), module.language, fields, span, excerpt, fix)
        if found not in self._reported:
            self._reported.add(found)
            self.diagnostics.append(found)

    def hint(self, word: str, known: Iterable[str], language: Language) -> str:
        """What was probably meant."""
        return did_you_mean(word, known, language) if self.may_search() else ""

    def may_search(self) -> bool:
        """Whether to look for what was meant; with many mistakes only for the first, for the search is slow."""
        self._searches += 1
        return self._searches <= MOST_SEARCHES

    def require(self, declaration: Declaration, kind: DeclarationKind, word: Word) -> str | None:
        """The identifier behind a word, or `None` with a report that nothing of this kind is so called."""
        found = self.find(kind, word.text)
        if found is None and word.text not in self.lost:
            language = self.language(declaration)
            what = KIND_NAMES[kind][0 if language == "zh" else 1]
            shown = f"{what} {word.text}"
            near = self.hint(word.text, self.ids[kind], language)
            near = near or (f"先写一条声明：{shown} (…)" if language == "zh" else f"declare it: {shown}")
            self.report(declaration, "N001", word.span, ("name", shown), ("hint", near))
        elif found is not None:
            self.tie(word, self.names[kind, found])
        return found
