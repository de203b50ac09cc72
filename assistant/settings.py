"""Every setting, typed; environment variables start with JIAMENKOU_."""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from platformdirs import user_cache_path
from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Read from the environment and from `.env` in the working folder."""

    model_config = SettingsConfigDict(env_prefix="JIAMENKOU_", env_file=".env", extra="ignore")

    host: str = "127.0.0.1"
    port: int = Field(7860, ge=1, le=65535)

    data_folder: Path = ROOT / "var"  # releases, prefixes, locks
    corpus_folder: Path = ROOT / "knowledge" / "corpus"
    prompts_folder: Path = ROOT / "prompts"
    weights_folder: Path = user_cache_path("jiamenkou") / "weights"
    weights_sources: tuple[Path, ...] = ()  # local folders that are looked in first

    embedder: str = "multilingual-e5-small"  # a name in the weights manifest, or a folder
    embedder_backend: Literal["onnx", "sentence-transformers"] = "onnx"

    llm: Literal["local", "server", "none"] = "local"
    llm_model: str = "qwen2.5-coder-1.5b"  # a name in the weights manifest, or the server's model
    llm_base_url: str = ""  # an OpenAI-compatible server, for llm = server
    llm_api_key: str = "not-needed"
    llm_threads: int = Field(2, ge=1)
    llm_writes: bool = False  # trust the model to write freely (it is still verified)
    engine: Literal["auto", "extractive", "llm"] = "auto"  # llm: the model selects every answer
    llm_timeout: float = Field(1.8, gt=0)  # seconds for a selection before an extractive answer stands in
    llm_write_timeout: float = Field(20.0, gt=0)  # seconds for a written answer

    recogniser: str = "whisper-base"  # a name in the weights manifest, or a folder
    recogniser_threads: int = Field(2, ge=1)
    recogniser_url: str = ""  # an OpenAI-compatible server that transcribes; the local one stands behind it
    recogniser_model: str = "whisper-1"
    recogniser_key: str = "not-needed"
    voice: Literal["kokoro", "light", "edge", "none"] = "kokoro"  # the others stand behind it; edge is online
    voice_style: str = "zf_xiaoyi"
    voice_speed: float = Field(0.9, ge=0.7, le=1.3)  # 1 is the voice's own pace; elders follow 0.9
    voice_threads: int = Field(2, ge=1)
    prepare_speech: bool = True  # say beforehand, while nobody speaks, what answers are made of
    edge_deadline: float = Field(2.0, gt=0)  # seconds for a clause before an offline voice says it
    voice_sessions: int = Field(64, ge=1)  # open microphones at once
    keep_recordings: bool = False  # keep what is said, and say so on the screen

    public_url: str = ""  # where a phone reaches this server, for QR codes; empty: found out
    takeaway_hours: float = Field(24.0, gt=0, le=24 * 30)  # how long an answer taken home can be opened
    call_wait_seconds: float = Field(60.0, gt=0)  # how long a call to a person rings
    call_idle_seconds: float = Field(300.0, gt=0)  # silence on both sides after which a taken call ends
    call_absence_seconds: float = Field(30.0, gt=0)  # how long either side may be gone in a call

    time_zone: str = "Asia/Shanghai"  # where a day begins and ends
    releases_kept: int = Field(20, ge=2)  # for rolling back
    four_eyes: bool = False  # whoever made a change doesn't approve it
    vector_index: Literal["auto", "chroma", "exact"] = "auto"  # exact compares every vector; auto: in large segments
    chroma_url: str = ""  # a Chroma server for the city profile; empty is embedded
    question_limit: int = Field(500, ge=50)  # characters of one question that are read
    memory_turns: int = Field(6, ge=1)  # exchanges kept in a session
    session_minutes: float = Field(30.0, gt=0)  # idle time after which a session is erased
    sessions: int = Field(2000, ge=1)  # open sessions at once
    kiosk_idle_seconds: float = Field(60.0, ge=5)  # nobody speaks or taps for so long: 小沪 asks whether one is there
    kiosk_warning_seconds: float = Field(20.0, ge=5)  # from that question to the end of the session
    kiosk_session_minutes: float = Field(15.0, gt=0)  # after which she asks even when one is busy
    kiosk_presence: bool = True  # speech near the microphone wakes the attract screen, where that is permitted
    kiosk_pin_hash: str = ""  # of `jiamenkou kiosk-pin`; empty: there is no staff menu
    kiosk_pin_attempts: int = Field(5, ge=1)  # wrong PINs before the pad is locked
    kiosk_pin_lock_minutes: float = Field(5.0, gt=0)
    asks_per_minute: int = Field(1200, ge=1)  # questions of one client address
    require_keys: Literal["auto"] | bool = "auto"  # for /v1; auto: unless only this machine can reach it
    key_requests_per_minute: int = Field(6000, ge=1)  # of one API key, unless the key has a figure of its own
    key_requests_at_once: int = Field(256, ge=1)
    address_requests_at_once: int = Field(256, ge=1)  # of one address without a key
    request_seconds: float = Field(120.0, gt=0)  # after which a request to /v1 is ended
    transcription_seconds: int = Field(600, ge=1)  # of sound in one file
    cors_origins: tuple[str, ...] = ()  # web pages of others that may call the service: ["https://app.example"]
    turns_at_once: int = Field(4, ge=1)  # questions over HTTP that are worked on
    turns_waiting: int = Field(236, ge=0)  # questions over HTTP that wait for them; more are turned away
    sounds_at_once: int = Field(1, ge=1)  # files transcribed, and texts spoken, for /v1
    sounds_waiting: int = Field(8, ge=0)
    intake_folder: Path | None = None  # a folder whose files are taken in as drafts; only read
    intake_git: str = ""  # a Git repository (URL or absolute path) whose files are taken in as drafts; only read
    intake_git_branch: str = "main"
    intake_git_folder: str = ""  # only what lies below it
    intake_poll: float = Field(60.0, ge=1)  # seconds between two looks at the folder and the repository
    intake_file_mib: int = Field(50, ge=1)  # largest file that staff may hand in
    intake_pages: int = Field(1500, ge=1)  # of one PDF
    intake_rows: int = Field(20_000, ge=1)  # of one table
    intake_memory_mib: int = Field(2048, ge=1024)  # address space of the process that reads a file
    intake_seconds: float = Field(300.0, gt=0)  # for reading one file
    intake_ocr: bool = True  # read scanned pages, when the extra `ocr` is installed

    staff_idle_minutes: float = Field(60.0, gt=0)  # without activity, after which staff log in again
    staff_session_hours: float = Field(12.0, gt=0)  # after which staff log in again in any case
    oidc_issuer: str = ""  # an OpenID Connect provider that staff log in through; empty is none
    oidc_client_id: str = ""
    oidc_client_secret: str = ""
    oidc_scopes: str = "openid profile"
    oidc_groups_claim: str = "groups"
    oidc_roles: dict[str, str] = {}  # group at the provider: role here
    oidc_redirect_url: str = ""  # as registered there; empty is /staff/oidc/back of the address that is open
    oidc_label: str = "单位账号登录"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ValueError, OSError, KeyError) as error:  # an unknown zone is a KeyError
            raise ValueError(f"there is no time zone {name}; use one like Asia/Shanghai") from error
        return name

    def today(self) -> date:
        """The day that it is at the site."""
        return datetime.now(ZoneInfo(self.time_zone)).date()


@lru_cache
def settings() -> Settings:
    """The settings of this process."""
    return Settings()
