"""Demo accounts. Their passwords are public, because they are documented."""

USER, USER_PASSWORD = "user@example.com", "securepassword123"
ADMIN, ADMIN_PASSWORD = "admin@example.com", "administrator123"
