"""Notes for the tests of the replica, and clients that read the notes."""

from secrets import token_hex

from tests.support.clients import ApiClient
from tests.support.factories import PASSWORD

# Id and UUID of the public note.
NOTE_ID = "note_0000000000000000000000000a"
NOTE_UUID = "00000000-0000-0000-0000-00000000000a"
INSERT = """
    INSERT INTO notes (id, user_id, title, priority, items)
    VALUES (:id, :id, 'Public', 100, '[]')"""
CHANGE = "UPDATE notes SET priority = priority + 1 WHERE title = 'Public' RETURNING priority"
NOTE = {"title": "Mine"}


def signed_in(app, primary, role):
    client = ApiClient(app)
    email = f"{token_hex(8)}@example.com"
    account = {"email": email, "password": PASSWORD}
    assert client.post("/api/auth/register", json=account).status_code == 201
    primary.run("UPDATE users SET role = :role WHERE email = :email", role=role, email=email)
    client.tokens = client.post("/api/auth/login", json=account).json
    return client


def priority(client):
    response = client.get(f"/api/notes/{NOTE_ID}")
    assert response.status_code == 200, response.text
    return response.json["priority"]


def titles(client):
    return [note["title"] for note in client.get("/api/notes/mine").json["items"]]
